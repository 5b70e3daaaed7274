"""Ids of rows that have no name but what stands in them, 8 bytes each, and sample keys made from ids once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from danlu.data.columns import Column, Picked
from danlu.large.arrays import Growing, blocks, gathered, zeros
from danlu.large.sorting import equal_groups
from danlu.randomness import key_of, keys_of

_SPAN = 4096


class RowNames(Column[str]):
    """``#`` and 16 hex digits of the row's content; of equal rows all but the first also a dot and a number, from 2.

    digests: uint64 (N,).
    """

    def __init__(self, digests: np.ndarray) -> None:
        self._digests = digests
        rows, starts = equal_groups(digests)
        turns = zeros(len(rows), np.int64)
        for some in blocks(len(rows)):
            group = np.searchsorted(starts, np.arange(some.start, some.stop), side="right") - 1
            turns[some] = np.arange(some.start, some.stop) - starts[group] + 1
        order = np.argsort(rows, kind="stable")
        self._again, self._turns = gathered(rows, order), gathered(turns, order)  # ascending rows that are not alone

    def __len__(self) -> int:
        return len(self._digests)

    def _value(self, row: int) -> str:
        name = f"#{self._digests[row].item():016x}"
        if len(self._again):
            place = int(np.searchsorted(self._again, row))
            if place < len(self._again) and self._again[place] == row and self._turns[place] > 1:
                return f"{name}.{self._turns[place]}"
        return name

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return self.at(np.arange(*row.indices(len(self)), dtype=np.int64))
        return super().__getitem__(row)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _SPAN):
            yield from self[start : start + _SPAN]

    def at(self, rows: np.ndarray) -> list[str]:
        names = [f"#{digest:016x}" for digest in self._digests[rows].tolist()]
        if len(self._again):
            place = np.minimum(np.searchsorted(self._again, rows), len(self._again) - 1)
            turn = np.where(self._again[place] == rows, self._turns[place], 1)
            for one in np.flatnonzero(turn > 1).tolist():
                names[one] += f".{turn[one]}"
        return names

    @cached_property
    def keys(self) -> np.ndarray:
        """uint64 (N,): of each id."""
        return _keys(self, len(self))


def digests_of(rows: Iterable[bytes]) -> np.ndarray:
    """uint64 (N,) from 8 bytes of each row."""
    made, several = Growing(np.uint64), iter(rows)
    while block := b"".join(islice(several, _SPAN)):
        made.append(np.frombuffer(block, ">u8"))
    return made.done()


def keys_in(ids: Sequence[str]) -> np.ndarray:
    """uint64 (N,): :func:`danlu.randomness.keys_of`, found once where rows are known by their content."""
    if isinstance(ids, RowNames):
        return ids.keys
    if isinstance(ids, Picked) and isinstance(ids.column, RowNames):
        return gathered(ids.column.keys, ids.rows)
    return _keys(ids, len(ids)) if isinstance(ids, Column) else keys_of(ids)


def _keys(ids: Iterable[str], count: int) -> np.ndarray:
    made, several = Growing(np.uint64), iter(ids)
    while some := list(islice(several, _SPAN)):
        made.append(np.fromiter(map(key_of, some), np.uint64, len(some)))
    return made.done()
