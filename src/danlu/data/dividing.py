"""The split of a recipe's rows: what it asks for, the limit, and duplicates, brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from danlu.data.columns import Coded, pick
from danlu.data.duplicates import Twins, superfluous
from danlu.data.kinds.base import BadValue
from danlu.data.kinds.category import Category
from danlu.data.kinds.labels import Labels
from danlu.data.moments import groups, moments
from danlu.data.progress import Progress
from danlu.data.row_names import keys_in
from danlu.data.split import PARTS, Split, codes_of, joined, split
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.large.arrays import blocks, zeros
from danlu.large.sorting import once
from danlu.messages import say
from danlu.randomness import bits, order
from danlu.recipe.schema import Recipe


@dataclass(frozen=True)
class Rows:
    """What decides where rows go.

    keys: uint64 (N,). labels, groups: int64 (N,); given: int8 (N,); times: float64 (N,); None where there are none.
    """

    keys: np.ndarray
    labels: np.ndarray | None = None
    given: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Rows:
        return Rows(*(None if values is None else values[rows] for values in self.__dict__.values()))  # type: ignore[arg-type]

    def apart(self, classes: np.ndarray) -> Rows:
        """The same where rows of one class, int64 (N,), stay together; they then can't be stratified."""
        return replace(self, labels=None, groups=joined(self.groups, classes))

    def split(self, recipe: Recipe, shares: Mapping[str, float], units: np.ndarray | None = None) -> Split:
        """units: int64 (N,), rows that stay together beside those of a group."""
        stratify = recipe.data.split.stratify
        return split(
            self.keys,
            shares,
            recipe.seed,
            labels=None if stratify is False else self.labels,
            strict=stratify is True,
            units=joined(self.groups, units),
            given=self.given,
            time=self.times,
        )


@dataclass(frozen=True)
class Divided:
    """What an application's own division gives. table: with ``given`` parts. how: in words, for the card.

    facts: name → value, JSON-able: what the card says of the whole beside its columns.
    """

    table: Table
    how: str
    facts: Mapping[str, Any]


def divided_by(function: Any, recipe: Recipe, table: Table, progress: Progress | None) -> Divided:
    """What an application's own division gives; one that takes no ``progress`` says nothing meanwhile."""
    told = {"progress": progress} if "progress" in signature(function).parameters else {}
    made: Divided = function(recipe, table, **told)
    return made


def rows_of(
    table: Table, kept: np.ndarray, keys: np.ndarray, labels: np.ndarray | None, origins: Sequence[str]
) -> Rows:
    """Of a table's rows ``kept`` (int64), with what is known of them. Raises DataError for rows without a group or time."""
    return Rows(
        keys,
        labels,
        None if table.given is None else codes_of(pick(table.given, kept)),
        groups(pick(table.extra["group"], kept), origins) if "group" in table.extra else None,
        moments(pick(table.extra["time"], kept), origins) if "time" in table.extra else None,
    )


def limited(
    recipe: Recipe,
    table: Table,
    target: tuple[str, Category | Labels] | None,
    shares: Mapping[str, float],
    disjoint: bool = False,
) -> tuple[Table, Split]:
    """The rows that ``data.limit`` leaves, before anything is decoded: of each part of the whole, the first by position.

    The split's codes are of the rows taken. target: the column by which is stratified, or whose classes are divided (``disjoint``).
    """
    keys = keys_in(table.ids)
    labels = None if target is None else _codes(table.columns[target[0]], target[1])
    rows = rows_of(table, np.arange(len(table), dtype=np.int64), keys, labels, table.origins)
    whole = (rows.apart(labels) if disjoint and labels is not None else rows).split(recipe, shares)
    first = order(recipe.seed, "limit", 0, keys)
    chosen = [first[whole.codes[first] == code][: recipe.data.limit] for code in range(len(PARTS))]
    taken = np.sort(np.concatenate(chosen))
    return table.take(taken), replace(whole, codes=whole.codes[taken])


def strata_of(raws: Sequence[Any], kind: Category | Labels) -> np.ndarray:
    """int64 (N,): what raw values are stratified by, -1 where there is no class, or nothing usable."""
    return _codes(raws, kind)


def _codes(raws: Sequence[Any], kind: Category | Labels) -> np.ndarray:
    """int64 (N,): class indices (of sets of them the rarest); -1 where there is no class, or nothing usable."""
    if isinstance(kind, Labels):
        sets = np.zeros((len(raws), len(kind.classes)), np.uint8)
        for one, raw in zip(sets, raws, strict=True):
            with suppress(BadValue):
                one[:] = kind.prepare(raw).value
        return kind.strata(sets)
    if isinstance(raws, Coded):
        table = np.append(_codes(list(raws.values), kind), -1)
        result = zeros(len(raws), np.int64)
        for some in blocks(len(raws), raws.codes, result):
            result[some] = table[raws.codes[some]]
        return result
    result = np.full(len(raws), -1, np.int64)
    for row, raw in enumerate(raws):
        try:
            result[row] = kind.prepare(raw).value
        except BadValue:
            continue
    return result


def divide(
    recipe: Recipe, rows: Rows, hashes: np.ndarray, found: Twins, shares: Mapping[str, float], early: Split | None
) -> tuple[Split, np.ndarray]:
    """(split, int8 (N,) part of every row, -1 for those that ``duplicates: drop`` leaves out).

    hashes: uint64 (N,), empty where the rows' content isn't known. found: their groups of equal content. early: a split that
    :func:`limited` made already; then only duplicates are brought to one side. Parts that the source gives are never changed.
    """
    policy = recipe.data.duplicates
    if early is None and (policy == "keep" or not len(found)):
        made = rows.split(recipe, shares)
        return made, made.codes
    wanted = np.ones(len(rows.keys), bool)
    drawn = bits(recipe.seed, "duplicates", 0, rows.keys, 1)[:, 0]
    if policy == "drop":
        wanted[superfluous(found, rows.given, drawn)] = False
    chosen = np.flatnonzero(wanted)
    codes = np.full(len(rows.keys), -1, np.int8)
    if early is not None:
        codes[chosen] = early.codes[chosen]
        if policy == "one-side" and len(found) and rows.given is None and rows.times is None:
            _unite(codes, joined(rows.groups, _alike(hashes)), drawn)
        before = len(once(early.codes))
        if len(once(codes[chosen])) < before:  # equal rows had all of a part
            raise DataError.of("data.split", say("data.split.few-groups", parts=before))
        return replace(early, codes=codes[chosen]), codes
    same = None
    if policy == "one-side" and len(found) and rows.times is None:
        same = _alike(hashes[chosen])
    made = rows.take(chosen).split(recipe, shares, same)
    codes[chosen] = made.codes
    return made, codes


def refuse_shared(
    codes: np.ndarray, labels: np.ndarray, kind: Category | Labels, column: str, origins: Sequence[str]
) -> None:
    """Raises DataError where a class is in two parts. codes: int8 (N,), -1 for rows in none. labels: int64 (N,)."""
    inside = np.flatnonzero(codes >= 0)
    pairs = np.unique(np.stack([labels[inside], codes[inside]], axis=1), axis=0)
    values, counts = np.unique(pairs[:, 0], return_counts=True)
    both = values[counts > 1]
    if not len(both):
        return
    first = int(np.flatnonzero((labels == both[0]) & (codes >= 0))[0])
    name = kind.classes[both[0]] if both[0] >= 0 else origins[first]
    parts = ", ".join(PARTS[code] for code in np.unique(codes[(labels == both[0]) & (codes >= 0)]))
    what = say("disjoint.shared", column=column, name=name, parts=parts, count=len(both))
    raise DataError.of(origins[first], what, say("disjoint.shared.remedy", column=column))


def _alike(hashes: np.ndarray) -> np.ndarray:
    """int64 (N,): the same number for the same content."""
    return np.unique(hashes, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _unite(codes: np.ndarray, units: np.ndarray | None, drawn: np.ndarray) -> None:
    """Rows of one unit go where the first of them by draw is."""
    assert units is not None
    order = np.lexsort((drawn, units))
    _, first, inverse = np.unique(units[order], return_index=True, return_inverse=True)
    codes[order] = codes[order][first][inverse.reshape(-1)]
