"""A user's items are divided, not rows that could be exchanged: by time, at random for each user, or the last ones left out.

Every pair of user and item is in one part, however often it comes: nothing that is to be found was seen before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Numbers, Numerals
from danlu.data.dividing import Divided
from danlu.data.moments import moments
from danlu.data.progress import Pace, Progress
from danlu.data.row_names import keys_in
from danlu.data.split import PARTS, TEST, TRAIN, VAL, codes_of, given_by
from danlu.data.split import split as split_rows
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.large import arrays
from danlu.large.arrays import Growing, blocks, gathered, release, zeros
from danlu.large.sorting import distinct, once, sort_order, together
from danlu.messages import say
from danlu.randomness import bits
from danlu.recipe.schema import Recipe

_TAIL = 0.2  # share of the items, the most frequent, whose share of the rows is told


class _Way:
    """How many rows the passes over a table have gone over, of as many as ``passes`` of them are."""

    def __init__(self, progress: Progress | None, rows: int, passes: int) -> None:
        self._pace, self._done, self._every = (
            Pace(progress, say("recommendation.dividing"), rows * passes),
            0,
            rows * passes,
        )

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._pace(min(self._done, self._every))

    def end(self) -> None:
        self._pace.end(self._every)


_SILENT = _Way(None, 0, 0)
_PASSES = 9  # two of codes, one of the order, of names, of times, of pairs twice, of facts twice


def divide(recipe: Recipe, table: Table, progress: Progress | None = None) -> Divided:
    """The rows, those of a user together, with their parts. What the source says of parts is kept. Raises DataError."""
    way = _Way(progress, len(table), _PASSES)
    user, item = (_codes(table.columns[name], way) for name in ("user", "item"))
    order = sort_order(user)  # lists of one user are made once where its rows are together
    way(len(table))
    how = ""
    if table.given is not None and any(part is not None for part in table.given):
        codes = codes_of(table.given)
        codes[codes < 0] = TRAIN
        shared = _parts_of_pairs(user, item, codes)
        if shared:
            raise DataError.of(
                "data.split", say("recommendation.shared", count=shared), say("recommendation.shared.remedy")
            )
    else:
        codes, how = _divided(recipe, table, user, item, order, way)
    facts = _facts(user, item, codes, way)
    release(user, item)
    taken = table.take(order)
    release(order)
    way.end()
    return Divided(Table(**{**vars(taken), "given": given_by(gathered(codes, order))}), how, facts)


def _divided(
    recipe: Recipe, table: Table, user: np.ndarray, item: np.ndarray, order: np.ndarray, way: _Way
) -> tuple[np.ndarray, str]:
    """(int8 (N,) parts, how they were found). order: int64 (N,), rows by user."""
    times = table.extra.get("time", table.columns.get("time"))
    asked = recipe.options["split"]
    where = recipe.where("options.split")
    if asked == "time" and times is None:
        raise DataError.of(where, say("recommendation.no-time"), say("recommendation.no-time.remedy"))
    if asked == "auto":
        asked = "random" if times is None else "time"
    when = None if times is None else moments(times, table.origins)
    way(len(user))
    keys = keys_in(table.ids)
    way(len(user))
    shares = {"val": recipe.data.split.val, "test": recipe.data.split.test}

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Of some users (rows in time, of each pair the earliest row, which of these each row's is, draws of all rows)."""
        for rows in together(user, order):
            drawn = bits(recipe.seed, "split", 0, keys[rows], 1)[:, 0]
            turn = np.lexsort((drawn, when[rows])) if when is not None else np.argsort(drawn, kind="stable")
            rows, drawn = rows[turn], drawn[turn]
            _, first, same = np.unique(_pairs(user[rows], item[rows]), return_index=True, return_inverse=True)
            yield rows, first, same.reshape(-1), drawn
            way(len(rows))
            release(item, keys, *(() if when is None else (when,)))

    found = zeros(len(user), np.int8)
    if asked == "time":
        assert when is not None
        moment = Growing(np.float64)
        for rows, first, _, _ in pairs():
            moment.append(when[rows[first]])
        every = moment.done()
        codes = split_rows(zeros(len(every), np.uint64), shares, recipe.seed, time=every).codes
        done = 0
        for rows, first, same, _ in pairs():
            found[rows] = codes[done : done + len(first)][same]
            done += len(first)
    else:
        for rows, first, same, drawn in pairs():
            some = rows[first]
            if asked == "random":
                codes = by_user(user[some], drawn[first], shares["val"], shares["test"])
            else:
                codes = last_out(user[some], drawn[first], drawn[first] if when is None else when[some])
            found[rows] = codes[same]
    return found, {"time": "by time", "random": "random for each user", "leave-one-out": "leave one out"}[asked]


def by_user(user: np.ndarray, drawn: np.ndarray, val: float, test: float) -> np.ndarray:
    """int8 (N,): of each user's rows, in the order of their draw, the first are train; counts as RecBole's.

    val and test are rounded down, and what is left is train; a part that would get none gets one while two or more are left.
    """
    order, place, count = _ranked(user, drawn)
    vals, tests = (np.floor(share * count + 1e-9).astype(np.int64) for share in (val, test))
    for numbers, share in ((tests, test), (vals, val)):
        none = (share * count > 0) & (share * count < 1) & (count - vals - tests > 1)
        numbers += none
    trains = count - vals - tests
    result = np.empty(len(user), np.int8)
    result[order] = np.where(place < trains, TRAIN, np.where(place < trains + vals, VAL, TEST))
    return result


def last_out(user: np.ndarray, drawn: np.ndarray, when: np.ndarray) -> np.ndarray:
    """int8 (N,): each user's last row is test, the one before it val; the first is always train."""
    order, place, count = _ranked(user, drawn, when)
    result = np.empty(len(user), np.int8)
    left = count - 1 - place
    result[order] = np.where((left == 0) & (place > 0), TEST, np.where((left == 1) & (place > 0), VAL, TRAIN))
    return result


def _ranked(user: np.ndarray, *by: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(order by user, then by the last key; in that order the place among the user's rows, and their number)."""
    order = np.lexsort((*by, user))
    _, starts, counts = np.unique(user[order], return_index=True, return_counts=True)
    place = np.arange(len(user)) - np.repeat(starts, counts)
    return order, place, np.repeat(counts, counts)


def _codes(values: Any, way: _Way = _SILENT) -> np.ndarray:
    """int32 (N,): the same number for the same name, in the order of the names. No Python object is kept for each row."""
    if isinstance(values, Numbers | Numerals):
        different = distinct(values.values)
        codes = zeros(len(values), np.int32)
        for some in blocks(len(values), values.values, codes):
            codes[some] = np.searchsorted(different, values.values[some])
        names = [str(value) for value in different.tolist()]
    elif isinstance(values, Coded):
        known: dict[str, int] = {}
        used = values.values_in_use()
        place = {name: known.setdefault(name.strip(), len(known)) for name in used}
        table = np.asarray([*(place.get(name, 0) for name in values.values), 0], np.int32)
        codes = zeros(len(values), np.int32)
        missing = False
        for some in blocks(len(values), values.codes):
            missing = missing or bool((values.codes[some] < 0).any())
        if missing:
            table[-1] = known.setdefault(str(None), len(known))
        for some in blocks(len(values), values.codes, codes):
            codes[some] = table[values.codes[some]]
        names = list(known)
    else:
        known = {}
        made = Growing(np.int32)
        several = iter(values)
        while some_values := list(islice(several, arrays.AT_ONCE)):
            made.append(np.asarray([known.setdefault(str(value).strip(), len(known)) for value in some_values]))
        codes, names = made.done(), list(known)
    ranks = np.argsort(np.argsort(np.asarray(names, object))).astype(np.int32)
    for some in blocks(len(codes), codes):
        codes[some] = ranks[codes[some]]
    way(len(codes))
    return codes


def _pairs(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """int64 (N,): the same number for the same pair."""
    found: np.ndarray = user.astype(np.int64) * (int(item.max(initial=0)) + 1) + item
    return found


def _parts_of_pairs(user: np.ndarray, item: np.ndarray, codes: np.ndarray) -> int:
    """How many pairs are in more than one part."""
    found = 0
    for rows in together(user, sort_order(user)):
        pair = _pairs(user[rows], item[rows])
        found += len(once(pair * len(PARTS) + codes[rows])) - len(once(pair))
    return found


def _facts(user: np.ndarray, item: np.ndarray, codes: np.ndarray, way: _Way = _SILENT) -> dict[str, Any]:
    """Users, items, density, how long the tail is, and who is met for the first time when the net is judged.

    user, item: int (N,), from 0 on without a gap.
    """
    users, items = int(user.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1
    pairs = 0
    for rows in together(user, sort_order(user)):
        pairs += len(once(_pairs(user[rows], item[rows])))
        way(len(rows))
    met = {"users": np.zeros((len(PARTS), users), np.int64), "items": np.zeros((len(PARTS), items), np.int64)}
    for some in blocks(len(user), user, item, codes):
        for name, values in (("users", user[some]), ("items", item[some])):
            for code in range(len(PARTS)):
                met[name][code] += np.bincount(values[codes[some] == code], minlength=met[name].shape[1])
        way(some.stop - some.start)
    counts = np.sort(met["items"][TRAIN])[::-1]
    facts: dict[str, Any] = {
        "users": users,
        "items": items,
        "interactions": len(user),
        "repeated": len(user) - pairs,
        "density": pairs / max(1, users * items),
        "head_share": float(counts[: max(1, round(_TAIL * items))].sum() / max(1, counts.sum())),
    }
    for code, part in ((VAL, "val"), (TEST, "test")):
        for name, known in met.items():
            facts[f"cold_{name}_{part}"] = int(((known[code] > 0) & (known[TRAIN] == 0)).sum())
    return facts
