"""Cells of a file, taken one after another into a column that needs a few bytes for each."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Numerals, Texts
from danlu.large.arrays import Growing

FEW = 1 << 16  # different texts that are kept apart whatever the number of rows
SHARE = 8  # beyond that at most one different text for so many rows
_AT_ONCE = 4096
_LARGEST = 1 << 62


class Rows:
    """Rows of cells, each handed on to its column. places: of the columns' cells in a row. strip: without the blanks around them."""

    def __init__(self, columns: Sequence[Cells], places: Sequence[int], strip: bool = True) -> None:
        self._columns, self._places, self._strip = columns, places, strip
        self._rows: list[Sequence[str]] = []

    def append(self, row: Sequence[str]) -> None:
        self._rows.append(row)
        if len(self._rows) == _AT_ONCE:
            self.end()

    def end(self) -> None:
        """What was taken is in the columns."""
        for place, column in zip(self._places, self._columns, strict=True):
            cells = map(itemgetter(place), self._rows)
            column.extend(list(map(str.strip, cells) if self._strip else cells))
        self._rows = []


class Cells:
    """A column of texts that grows: codes of few different ones; else whole numbers; else the texts.

    The texts that it gives are those it took, whichever way it keeps them. empty: an empty text is one, not none; not so in a column
    of very many different ones.
    """

    def __init__(self, empty: bool = False) -> None:
        self._new: list[str] = []
        self._known: dict[str, int] | None = {} if empty else {"": -1}
        self._names: list[str] = []
        self._numbers: Growing | None = None
        self._codes = Growing(np.int32)
        self._texts: Texts | None = None

    def extend(self, texts: Sequence[str]) -> None:
        for start in range(0, len(texts), _AT_ONCE):
            self._new += texts[start : start + _AT_ONCE]
            if len(self._new) >= _AT_ONCE:
                self._take()

    def done(self) -> Coded | Numerals | Texts:
        self._take()
        if self._known is not None:
            made = Coded(self._codes.done(), self._names)
            return Texts(made) if len(self._names) > len(made) / 2 and "" not in self._names else made
        if self._numbers is not None:
            return Numerals(self._numbers.done())
        assert self._texts is not None
        return self._texts

    def _take(self) -> None:
        new, self._new = self._new, []
        if self._known is not None:
            known, names = self._known, self._names
            fresh = [text for text in dict.fromkeys(new) if text not in known]
            known.update(zip(fresh, range(len(names), len(names) + len(fresh)), strict=True))
            names += fresh
            self._codes.append(np.fromiter(map(known.__getitem__, new), np.int32, len(new)))
            if len(names) > max(FEW, self._codes.length // SHARE):
                self._widen()
        elif self._numbers is not None:
            numbers = whole_numbers(new)
            if numbers is None:
                self._texts = Texts(Numerals(self._numbers.done()))
                self._numbers = None
                self._write(new)
            else:
                self._numbers.append(numbers)
        else:
            self._write(new)

    def _write(self, texts: Sequence[str]) -> None:
        assert self._texts is not None
        self._texts.extend(texts)

    def _widen(self) -> None:
        """Too many different ones for codes."""
        so_far = Coded(self._codes.done(), self._names)
        numbers = whole_numbers(self._names) if not len(so_far.missing_rows()) else None
        self._known, self._codes = None, Growing(np.int32)
        if numbers is None:
            self._texts = Texts(so_far)
        else:
            self._numbers = Growing(np.int64)
            for start in range(0, len(so_far), _AT_ONCE):
                self._numbers.append(numbers[so_far.codes[start : start + _AT_ONCE]])
        self._names = []


def whole_numbers(texts: Sequence[Any]) -> np.ndarray | None:
    """int64 (N,), None unless each text is just how Python writes such a number."""
    try:
        found = [int(text) for text in texts]
    except (TypeError, ValueError):
        return None
    if any(str(number) != text or abs(number) >= _LARGEST for number, text in zip(found, texts, strict=True)):
        return None
    return np.asarray(found, np.int64)
