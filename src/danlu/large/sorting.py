"""Sorting long arrays piece by piece: rows are dealt into ranges of values, each of which is then sorted by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from danlu.large import arrays

_LOOKED_AT = 1 << 16  # values by which ranges are chosen


def sort_order(values: np.ndarray) -> np.ndarray:
    """int64 (N,): ``np.argsort(values, kind="stable")``; values: (N,), without NaN."""
    count = len(values)
    if count <= arrays.AT_ONCE:
        return np.argsort(values, kind="stable")
    edges = _edges(values, 2 * -(-count // arrays.AT_ONCE))
    sizes = np.zeros(len(edges) + 1, np.int64)
    for some in arrays.blocks(count, values):
        sizes += np.bincount(np.searchsorted(edges, values[some], side="right"), minlength=len(sizes))
    begin = np.cumsum(sizes) - sizes
    free = begin.copy()
    made = arrays.zeros(count, np.int64)
    for some in arrays.blocks(count, values, made):
        place = np.searchsorted(edges, values[some], side="right").astype(np.uint16)
        dealt = np.argsort(place, kind="stable")
        many = np.bincount(place, minlength=len(sizes))
        ends = np.cumsum(many)
        for one in np.flatnonzero(many).tolist():
            made[free[one] : free[one] + many[one]] = dealt[ends[one] - many[one] : ends[one]] + some.start
        free += many
    for first, size in zip(begin.tolist(), sizes.tolist(), strict=True):
        rows = np.asarray(made[first : first + size])
        own = values[rows]
        if size and own.min() != own.max():
            made[first : first + size] = rows[np.argsort(own, kind="stable")]
        arrays.release(values, made)
    return made


def equal_groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64, rows whose value occurs more than once, group after group by value, in order; int64 (groups + 1,), where each begins)."""
    order = sort_order(values)
    count = len(order)
    rows, sizes = arrays.Growing(np.int64), arrays.Growing(np.int64)
    run = 0  # rows of the last group so far, where it may go on
    for some in arrays.blocks(count, values, order):
        own = values[order[max(0, some.start - 1) : some.stop + 1]]
        same = own[1:] == own[:-1]
        before = np.r_[False, same] if not some.start else same  # equal to the row before it
        before = before[: some.stop - some.start]
        after = same[0 if not some.start else 1 :]
        after = np.r_[after, False] if some.stop == count else after
        member = before | after
        rows.append(order[some][member])
        begins = np.flatnonzero(~before[member])
        inside = int(member.sum())
        if not len(begins):
            run += inside
            continue
        if run + int(begins[0]):
            sizes.append(np.asarray([run + int(begins[0])]))
        sizes.append(np.diff(begins))
        run = inside - int(begins[-1])
    if run:
        sizes.append(np.asarray([run]))
    found = sizes.done()
    starts = arrays.zeros(len(found) + 1, np.int64)
    np.cumsum(found, out=starts[1:])
    return rows.done(), starts


def distinct(values: np.ndarray) -> np.ndarray:
    """``np.unique``; memory grows with what is different alone."""
    found = values[:0]
    for some in arrays.blocks(len(values), values):
        found = once(np.concatenate([found, once(values[some])]))
    return np.asarray(found)


def once(values: np.ndarray) -> np.ndarray:
    """``np.unique``; of whole numbers by sorting alone, where numpy since 2.3 fills a hash table first, in 45 times as long."""
    if values.dtype.kind not in "iu":
        return np.unique(values)
    found = np.sort(np.asarray(values), axis=None)
    new = np.empty(len(found), bool)
    new[:1] = True
    np.not_equal(found[1:], found[:-1], out=new[1:])
    return found[new]


def together(values: np.ndarray, order: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of ``order`` (int64 (N,), sorted by ``values``) in pieces, none of which cuts rows of one value apart."""
    begin = 0
    while begin < len(order):
        end = min(begin + arrays.AT_ONCE, len(order))
        last = values[order[end - 1]]
        while end < len(order) and values[order[end]] == last:
            more = order[end : end + arrays.AT_ONCE]
            other = values[more] != last
            end += int(other.argmax()) if other.any() else len(more)
        yield np.array(order[begin:end])
        arrays.release(values, order)
        begin = end


def _edges(values: np.ndarray, wanted: int) -> np.ndarray:
    """Values, ascending and different, that cut ``values`` into about so many ranges of as many rows."""
    some = np.sort(values[:: max(1, len(values) // _LOOKED_AT)])
    return np.unique(some[:: max(1, len(some) // min(wanted, 30_000))])
