"""Where a person finds a row."""

from __future__ import annotations

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
