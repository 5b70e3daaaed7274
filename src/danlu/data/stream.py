"""What can't be cached, prepared on demand: the same store as a cache, used with DataLoader workers (house rule 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from danlu.data.cache.fill import fill
from danlu.data.cache.rows import BadRow, Note, Values, prepare_block
from danlu.data.kinds.base import Kind
from danlu.data.progress import Progress
from danlu.data.table import Table
from danlu.errors import DataError, Problem
from danlu.messages import say


class Stream:
    """Rows of a table, prepared each time they are asked for. Nothing is kept, nothing is random.

    rows: int64 (N,), the table's rows that are used; row i here is table row ``rows[i]``. hashes, bad, notes: as in a
    :class:`danlu.data.cache.Cache` where the table was checked beforehand (:func:`checked`), else empty.
    """

    instant = False
    on_demand = True

    def __init__(
        self,
        table: Table,
        kinds: Mapping[str, Kind],
        rows: np.ndarray | None = None,
        hashes: np.ndarray | None = None,
        bad: Sequence[BadRow] = (),
        notes: Sequence[Note] = (),
    ) -> None:
        self.table = table
        self.kinds = dict(kinds)
        self.rows = np.arange(len(table), dtype=np.int64) if rows is None else rows
        self.hashes = np.empty(0, np.uint64) if hashes is None else hashes
        self.bad = tuple(bad)
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, column: str, rows: np.ndarray) -> Values:
        """Prepared, decoded values of int64 ``rows`` (B,): ndarray (B, *shape) for fixed layouts, else a list of B
        arrays.
        """
        follows = self.kinds[column].follows
        needed = [name for name, kind in self.kinds.items() if name == column or kind.name == follows]
        return self.gather_all(needed, rows)[column]

    def gather_all(self, columns: Iterable[str], rows: np.ndarray) -> dict[str, Values]:
        """Each row prepared once, for all ``columns``. Raises DataError, for all bad rows of the batch, with their
        origins.
        """
        kinds = {name: self.kinds[name] for name in columns}
        block = prepare_block(self.table, kinds, self.rows[rows].tolist(), ())
        if block.bad:
            raise DataError(
                Problem(
                    f"{bad.origin} ({bad.column})",
                    say("cache.stream-bad", reason=bad.reason),
                    say("cache.stream-bad.remedy"),
                )
                for bad in block.bad
            )
        return {name: _decoded(kind, block.columns[name]) for name, kind in kinds.items()}


def checked(
    table: Table,
    kinds: Mapping[str, Kind],
    folder: Path,
    progress: Progress | None = None,
    *,
    inputs: Sequence[str] | None = None,
    workers: int | None = None,
) -> Stream:
    """A stream of the good rows: every row is prepared once to find the bad ones, and what was found is kept under
    ``folder``.

    The next time the same table is opened at once. Arguments and errors as for :func:`danlu.data.cache.fill`.
    """
    found = fill(table, kinds, folder, progress, inputs=inputs, workers=workers, values=False)
    return Stream(table, kinds, found.rows, found.hashes, found.bad, found.notes)


def _decoded(kind: Kind, values: Values) -> Values:
    return [kind.decode(value.tobytes()) for value in values] if kind.storage().layout == "encoded" else values
