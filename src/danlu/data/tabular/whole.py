"""Whole columns of cells: the same as cell by cell, at a fraction of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import compress
from types import NoneType
from typing import Any, TypeVar

import numpy as np

from danlu.data.columns import Numbers, Numerals
from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import is_missing, number_of
from danlu.data.tabular.writing import Writing, plain, writing_of

T = TypeVar("T")
_BAD = object()
_LOOKED = 1000  # cells that tell whether it may be about numbers at all


def each(raws: Sequence[Any], read: Callable[[Any], T]) -> list[T]:
    """What ``read`` makes of each cell; of texts that come again, once. Raises what it raises for the first of them."""
    if not set(map(type, raws)) <= {str, NoneType}:
        return list(map(read, raws))
    found = {raw: read(raw) for raw in dict.fromkeys(raws)}
    return list(map(found.__getitem__, raws))


def good(raws: Sequence[Any], read: Callable[[Any], T]) -> list[T]:
    """The same without the cells that can't be read (:class:`BadValue`)."""

    def tried(raw: Any) -> Any:
        try:
            return read(raw)
        except BadValue:
            return _BAD

    return [value for value in each(raws, tried) if value is not _BAD]


def present(raws: Sequence[Any]) -> list[Any]:
    """The cells that are not missing."""
    found = _plain_numbers(raws)
    if found is not None:
        return list(compress(raws, (~np.isnan(found)).tolist()))
    return [raw for raw, gone in zip(raws, each(raws, is_missing), strict=True) if not gone]


def numbers(raws: Sequence[Any], writing: Writing | None = None) -> np.ndarray:
    """float64 (N,), NaN where missing. Raises BadValue for the first cell that is no finite number, as ``number_of`` does."""
    found = None if writing is not None else _plain_numbers(raws)
    return np.asarray(each(raws, lambda raw: number_of(raw, writing)), np.float64) if found is None else found


def good_numbers(raws: Sequence[Any], writing: Writing | None = None) -> np.ndarray:
    """float64: the numbers of the cells that hold one, missing ones among them as NaN."""
    found = None if writing is not None else _plain_numbers(raws)
    return np.asarray(_tried(raws, writing), np.float64) if found is None else found


def _tried(raws: Sequence[Any], writing: Writing | None) -> list[float]:
    """What ``number_of`` gives where it gives something; texts are read without an error for each that is none."""

    def tried(raw: Any) -> Any:
        if writing is None and type(raw) is str and plain(raw) is None and not is_missing(raw):
            return _BAD
        try:
            return number_of(raw, writing)
        except BadValue:
            return _BAD

    return [value for value in each(raws, tried) if value is not _BAD]


def written(values: Sequence[Any]) -> Writing | None:
    """How the numbers of cells that are not missing are written, see :func:`danlu.data.tabular.writing.writing_of`."""
    if not values or set(map(type, values)) != {str}:
        return None
    some = Counter(values[:: -(-len(values) // _LOOKED)])
    if len(values) > _LOOKED and sum(map(_digits, some)) < 0.9 * len(some):  # plain words: not worth a look at each
        return None
    return writing_of(Counter(values))


def written_in(raws: Sequence[Any]) -> Writing | None:
    """The same of a whole column, which may have gaps; None at once where it is of numbers."""
    if isinstance(raws, np.ndarray | Numbers | Numerals) or _plain_numbers(raws) is not None:
        return None
    return written(present(raws))


def _digits(text: str) -> bool:
    return any(map(str.isdecimal, text))


def _plain_numbers(raws: Sequence[Any]) -> np.ndarray | None:
    """None where not every cell is nothing or a number as Python reads it."""
    try:
        values = np.fromiter(map(float, ("nan" if raw is None else raw for raw in raws)), np.float64, len(raws))
    except (TypeError, ValueError, OverflowError):
        return None
    if np.isinf(values).any() or not all(is_missing(raws[row]) for row in np.flatnonzero(np.isnan(values)).tolist()):
        return None
    return values
