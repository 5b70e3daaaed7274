"""A filled cache, opened: the store that a dataset gathers from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.cache.columns import column
from danlu.data.cache.files import FORMAT, META, DamagedError, described, read_json
from danlu.data.cache.rows import BadRow, Note, Values
from danlu.data.kinds.base import Kind
from danlu.data.room import memory
from danlu.large.arrays import HELD, release

PROBLEMS = "problems.json"


class Cache:
    """Prepared columns on disk, and what was found while they were prepared.

    rows: int64 (N,), the table's rows that were kept; row i here is table row ``rows[i]``. hashes: uint64 (N,), content
    of the input columns. bad: rows set aside, with reasons. notes: what was mended. instant: a gather is a mere copy of
    memory.
    texts (reasons, notes) are in the language in which the cache was filled.
    """

    def __init__(self, folder: Path, kinds: Mapping[str, Kind], whole: bool = False) -> None:
        """Raises :class:`DamagedError`. whole: check every byte now, not only small files and the edges of large ones, whose other
        pieces are proven when they are first used.
        """
        meta = read_json(folder, META)
        if meta.get("format") != FORMAT:
            raise DamagedError(META)
        problems = read_json(folder, PROBLEMS)
        self.folder = folder
        self.kinds = dict(kinds)
        arrays = {name: described(content) for name, content in meta["arrays"].items()}
        files = {
            name: {part: described(content) for part, content in parts["files"].items()}
            for name, parts in meta["columns"].items()
        }
        for array in arrays.values():
            array.check(folder, whole=True)
        for file in (file for parts in files.values() for file in parts.values()):
            file.check(folder, whole)
        self.rows, self.hashes = (
            arrays[name].load(folder) if arrays[name].bytes <= HELD else arrays[name].read(folder)
            for name in ("rows", "hashes")
        )
        self.bad = tuple(_bad_rows(problems["bad"]))
        self.notes = tuple(Note(**{**item, "examples": tuple(item["examples"])}) for item in problems["notes"])
        self._columns = {name: column(folder, parts, kinds[name]) for name, parts in files.items()}
        self.nbytes = sum(item.nbytes for item in self._columns.values())
        self.instant = all(item.instant for item in self._columns.values()) and self.nbytes < memory() / 2

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, column: str, rows: np.ndarray) -> Values:
        """Prepared values of int64 ``rows`` (B,): ndarray (B, \\*shape) for fixed layouts, else a list of B arrays; the
        caller's own. Raises DataError where they are no longer what was written.
        """
        return self._columns[column].gather(rows)

    def lengths(self, column: str, rows: np.ndarray) -> np.ndarray | None:
        """int64 (B,): the first dimension of each value of a ragged column; None for others."""
        return self._columns[column].lengths(rows)

    def gather_all(self, columns: Iterable[str], rows: np.ndarray) -> dict[str, Values]:
        return {name: self._columns[name].gather(rows) for name in columns}

    def release(self) -> None:
        """Give back the memory of pages that were looked at once."""
        release(self.rows, self.hashes)
        for one in self._columns.values():
            one.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return Cache, (self.folder, self.kinds)  # another process maps the same files, instead of being sent them


def _bad_rows(items: Iterable[dict[str, Any]]) -> Iterator[BadRow]:
    """Where half of a table's values are missing there are as many of them: the same words are kept once."""
    words: dict[str, str] = {}
    for item in items:
        same = {key: words.setdefault(item[key], item[key]) for key in ("column", "reason")}
        yield BadRow(**{**item, **same})
