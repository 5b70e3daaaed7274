"""Where a person finds a row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from danlu.messages import say


class Numbered(Sequence[str]):
    """ "labels.csv, line 17", made when asked for. key: the text, of ``data.line`` or ``data.row``."""

    def __init__(self, file: str, numbers: Sequence[int], key: str = "data.line") -> None:
        self._file = file
        self._numbers = numbers
        self._key = key

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        return say(self._key, file=self._file, number=self._numbers[row])


class Lines(Sequence[int]):
    """Numbers of lines, ascending. What is kept grows with the gaps among them, not with the lines."""

    def __init__(self) -> None:
        self._starts: list[int] = []  # rows from which on a line is so far ahead
        self._ahead: list[int] = []
        self._length = 0

    def append(self, number: int) -> None:
        if not self._ahead or number - self._length != self._ahead[-1]:
            self._starts.append(self._length)
            self._ahead.append(number - self._length)
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        row = range(self._length)[row]
        return row + self._ahead[bisect_right(self._starts, row) - 1]
