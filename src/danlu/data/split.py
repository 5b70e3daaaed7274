"""Train, val and test: which row is in which part, as a pure function of sample keys and a seed.

The order of rows plays no role: a row's place is decided by the hash of its key among the others of its class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from danlu.data.columns import Coded
from danlu.data.table import Part
from danlu.errors import DataError
from danlu.large.arrays import Growing, blocks, gathered, where, zeros
from danlu.large.sorting import sort_order
from danlu.messages import say
from danlu.randomness import bits

PARTS: tuple[Part, ...] = ("train", "val", "test")
TRAIN, VAL, TEST = 0, 1, 2
_MADE = (TEST, VAL)  # the order in which they are taken from the pool


@dataclass(frozen=True)
class Split:
    """codes: int8 (N,), index into :data:`PARTS`. how: "given", "random", "stratified", "grouped", "grouped and stratified", "by time".

    small: classes that were too small to be divided and stay in train whole.
    """

    codes: np.ndarray
    how: str
    small: tuple[int, ...] = ()


def split(
    keys: np.ndarray,
    shares: Mapping[str, float],
    seed: int,
    *,
    labels: np.ndarray | None = None,
    strict: bool = False,
    units: np.ndarray | None = None,
    given: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> Split:
    """A part for every row.

    keys: uint64 (N,), unique. shares: "val" and "test", of the rows that are to be divided. labels: int64 (N,), stratify by them
    (-1 counts as a class); every class with at least one row for each part is divided exactly, by largest remainders; smaller ones
    stay in train, or are a DataError where ``strict``. units: int64 (N,), rows of equal units stay together (groups, duplicates); as
    even as they allow. given: int8 (N,), parts that are kept, -1 where none is; what isn't given at all is taken from train. time:
    float64 (N,), train < val < test, equal times together; ``labels`` and ``units`` then play no role.

    Raises DataError where a part with a share would be empty, or where nothing is left for training.
    """
    codes = np.full(len(keys), TRAIN, np.int8) if given is None else np.where(given < 0, TRAIN, given).astype(np.int8)
    wanted = {part: float(shares.get(PARTS[part], 0.0)) for part in _MADE}
    made = {part: share for part, share in wanted.items() if share > 0 and not (codes == part).any()}
    if not made:
        return Split(codes, "given")
    pool = where(codes == TRAIN)
    if not len(pool):
        raise DataError.of("data.split", say("data.split.no-train"))
    if len(pool) <= len(made):
        raise DataError.of(
            "data.split",
            say("data.split.few-rows", rows=len(pool), parts=len(made) + 1),
            say("data.split.few-rows.remedy"),
        )
    if time is not None:
        codes[pool] = _by_time(gathered(time, pool), made)
        return Split(codes, "by time")
    inside, small = (None, ()) if labels is None else _classes(labels[pool], made, strict)
    drawn = bits(seed, "split", 0, keys[pool], 1)[:, 0]
    together = None if units is None else np.unique(units[pool], return_inverse=True)[1].reshape(-1)
    codes[pool] = _drawn(drawn, inside, together, made)
    grouped = together is not None and int(together.max()) + 1 < len(pool)
    how = "grouped" if grouped else "random"
    if inside is not None:
        how = "grouped and stratified" if grouped else "stratified"
    return Split(codes, how, small)


def quotas(counts: np.ndarray, share: float) -> np.ndarray:
    """int64 (K,): share·counts, rounded so that they add up to round(share·Σ counts): largest remainders first (Hamilton's method)."""
    exact = counts * share
    whole = np.floor(exact + 1e-9).astype(np.int64)
    left = round(float(counts.sum()) * share) - int(whole.sum())
    if left > 0:
        whole[np.argsort(-(exact - whole), kind="stable")[:left]] += 1
    return whole


def _classes(labels: np.ndarray, made: Mapping[int, float], strict: bool) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """(class of each row from 0, -1 for those of classes too small to be divided; which classes these are)."""
    values, inside, counts = np.unique(labels, return_inverse=True, return_counts=True)
    few = counts < len(made) + 1
    small = tuple(int(value) for value in values[few])
    if strict and small:
        raise DataError.of(
            "data.split.stratify", say("data.split.small-classes", count=len(small), parts=len(made) + 1)
        )
    if few.all():
        return None, ()  # they are divided all the same: nothing else is there to be judged
    return np.where(few[inside.reshape(-1)], -1, inside.reshape(-1)), small


def _drawn(
    drawn: np.ndarray, classes: np.ndarray | None, units: np.ndarray | None, made: Mapping[int, float]
) -> np.ndarray:
    """int8 (n,): classes are divided by quota; whole units first, largest first, then single rows in the order of their draw."""
    rows = np.zeros(len(drawn), np.int64) if classes is None else classes
    count = int(rows.max()) + 1
    sizes = np.bincount(rows[rows >= 0], minlength=count)
    quota = {part: quotas(sizes, share) for part, share in made.items()}
    for part in made:
        if quota[part].sum() == 0:
            quota[part][int(sizes.argmax())] = 1
    _leave_one(quota, sizes)
    result = np.full(len(drawn), TRAIN, np.int8)
    left = {part: numbers.astype(np.float64) for part, numbers in quota.items()}
    single = np.ones(len(drawn), bool)
    if units is not None:
        single = np.bincount(units)[units] == 1
        _place_units(result, drawn, rows, units, single, quota, left)
    order = np.flatnonzero(single & (rows >= 0))
    order = order[np.lexsort((drawn[order], rows[order]))]
    starts = np.searchsorted(rows[order], np.arange(count + 1))
    for label in range(count):
        begin, end = starts[label], starts[label + 1]
        for part in made:
            take = min(max(int(left[part][label]), 0), max(end - begin, 0))
            result[order[begin : begin + take]] = part
            begin += take
    if units is None and _exact(result, quota):
        return result
    _even_out(result, drawn, np.arange(len(result)) if units is None else units, rows < 0, quota)
    return result


def _exact(result: np.ndarray, quota: Mapping[int, np.ndarray]) -> bool:
    """Whether every part has what it should have, and something."""
    wanted = {part: int(numbers.sum()) for part, numbers in quota.items()}
    wanted[TRAIN] = len(result) - sum(wanted.values())
    return all(count > 0 and int((result == part).sum()) == count for part, count in wanted.items())


def _leave_one(quota: dict[int, np.ndarray], sizes: np.ndarray) -> None:
    """Every class keeps a row for training; what is too much is taken from the largest quotas, so that none is emptied for another."""
    for label in np.flatnonzero(sum(quota.values()) > np.maximum(sizes - 1, 0)).tolist():
        over = int(sum(numbers[label] for numbers in quota.values())) - max(int(sizes[label]) - 1, 0)
        for _ in range(over):
            largest = max(quota, key=lambda part: int(quota[part][label]))
            quota[largest][label] -= 1


def _place_units(
    result: np.ndarray,
    drawn: np.ndarray,
    rows: np.ndarray,
    units: np.ndarray,
    single: np.ndarray,
    quota: Mapping[int, np.ndarray],
    left: dict[int, np.ndarray],
) -> None:
    """Units of several rows, largest first: each goes where the largest share of its classes' quotas is still open, and fits."""
    several = np.flatnonzero(~single)
    if not len(several):
        return
    order = several[np.argsort(units[several], kind="stable")]
    bounds = np.flatnonzero(np.r_[True, np.diff(units[order]) > 0, True])
    sizes = np.diff(bounds)
    first = np.minimum.reduceat(drawn[order], bounds[:-1])
    known = rows >= 0
    counts = np.bincount(rows[known], minlength=len(next(iter(quota.values()))))
    whole = {**quota, TRAIN: counts - sum(quota.values())}
    open_ = {**left, TRAIN: whole[TRAIN].astype(np.float64)}
    total = {part: float(numbers.sum()) for part, numbers in whole.items()}
    have = dict.fromkeys(whole, 0.0)
    for unit in np.lexsort((first, -sizes)):
        members = order[bounds[unit] : bounds[unit + 1]]
        labels, numbers = np.unique(rows[members][known[members]], return_counts=True)
        best, most = TRAIN, -np.inf
        for part in (TRAIN, *quota):
            if part != TRAIN and have[part] + len(members) - total[part] >= total[part] - have[part]:
                continue  # further from its share than without it
            share = sum(
                float(number) * open_[part][label] / max(float(whole[part][label]), 0.5)
                for label, number in zip(labels.tolist(), numbers.tolist(), strict=True)
            )
            if share > most:
                best, most = part, share
        result[members] = best
        open_[best][labels] -= numbers
        have[best] += len(members)


def _even_out(
    result: np.ndarray, drawn: np.ndarray, units: np.ndarray, small: np.ndarray, quota: Mapping[int, np.ndarray]
) -> None:
    """No part is empty, and none further from its share than the largest unit: units are moved, those nearest in size first.

    small: bool (n,), rows of classes that stay in train: their units are the last to go. Raises DataError where there are fewer
    units than parts.
    """
    _, first, inverse, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    place = inverse.reshape(-1)
    if len(sizes) <= len(quota):
        raise DataError.of("data.split", say("data.split.few-groups", parts=len(quota) + 1))
    where = result[first].astype(np.int64)
    earliest = np.full(len(sizes), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(earliest, place, drawn)
    staying = np.bincount(place, small, len(sizes)) > 0
    parts = (TRAIN, *quota)
    total = {part: int(numbers.sum()) for part, numbers in quota.items()}
    total[TRAIN] = len(result) - sum(total.values())

    def move(giver: int, part: int, wish: int) -> None:
        choice = np.flatnonzero(where == giver)
        order = np.lexsort((earliest[choice], np.abs(sizes[choice] - wish), staying[choice]))
        where[choice[order[0]]] = part

    for part in parts:
        if not (where == part).any():
            move(int(np.bincount(where, minlength=len(PARTS)).argmax()), part, total[part])
    for _ in range(len(sizes)):
        apart = {part: int(sizes[where == part].sum()) - total[part] for part in parts}
        most, least = max(parts, key=lambda part: apart[part]), min(parts, key=lambda part: apart[part])
        if max(apart[most], -apart[least]) <= sizes.max() or (where == most).sum() < 2:
            break
        move(most, least, min(apart[most], -apart[least]))
    result[:] = where[place]


def _by_time(time: np.ndarray, made: Mapping[int, float]) -> np.ndarray:
    """int8 (n,): the latest rows are test, those before them val; a cut falls between two different times, the nearest to the share."""
    order = sort_order(time)
    moments = gathered(time, order)
    result = np.full(len(time), TRAIN, np.int8)
    end = len(time)
    growing = Growing(np.int64)
    for some in blocks(len(moments), moments):
        growing.append(np.flatnonzero(np.diff(moments[some.start : some.stop + 1]) > 0) + 1 + some.start)
    cuts = growing.done()  # rows before each change of time
    for later, (part, share) in enumerate(made.items(), 1):
        inside = cuts[len(made) - later :]  # the parts before it need a cut each
        inside = inside[: np.searchsorted(inside, end)]
        if not len(inside):
            raise DataError.of("data.split.time", say("data.split.few-times", parts=len(made) + 1))
        wish = end - max(1, round(share * len(time)))
        after = int(np.searchsorted(inside, wish))
        near = [int(each) for each in inside[max(0, after - 1) : after + 1]]
        cut = min(near, key=lambda each: abs(each - wish))  # of two as near the earlier
        result[order[cut:end]] = part
        end = cut
    return result


def joined(*units: np.ndarray | None) -> np.ndarray | None:
    """int64 (N,): rows that are together in any of the given divisions into units are together (union-find)."""
    present = [unit for unit in units if unit is not None]
    if len(present) < 2:
        return present[0] if present else None
    parent = np.arange(len(present[0]))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for unit in present:
        order = np.argsort(unit, kind="stable")
        same = np.flatnonzero(unit[order][1:] == unit[order][:-1])
        for place in same.tolist():
            one, other = root(int(order[place])), root(int(order[place + 1]))
            if one != other:
                parent[max(one, other)] = min(one, other)
    return np.fromiter((root(row) for row in range(len(parent))), np.int64, len(parent))


def codes_of(parts: Sequence[Part | None]) -> np.ndarray:
    """int8 (N,): index into :data:`PARTS`, -1 where there is none."""
    place = {None: -1, "train": TRAIN, "val": VAL, "test": TEST}
    if isinstance(parts, Coded):
        known = np.asarray([*(place[part] for part in parts.values), -1], np.int8)  # type: ignore[index]
        made = zeros(len(parts), np.int8)
        for some in blocks(len(parts), parts.codes):
            made[some] = known[parts.codes[some]]
        return made
    return np.fromiter((place[part] for part in parts), np.int8, len(parts))


def given_by(codes: np.ndarray) -> Sequence[Part | None]:
    """The inverse of :func:`codes_of`."""
    made = zeros(len(codes), np.int32)
    made[:] = codes
    return Coded(made, PARTS)  # type: ignore[return-value]
