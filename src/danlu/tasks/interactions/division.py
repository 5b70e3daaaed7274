"""A user's items are divided, not rows that could be exchanged: by time, at random for each user, or the last ones left out.

Every pair of user and item is in one part, however often it comes: nothing that is to be found was seen before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.columns import Numbers
from danlu.data.dividing import Divided
from danlu.data.moments import moments
from danlu.data.split import PARTS, TEST, TRAIN, VAL, codes_of
from danlu.data.split import split as split_rows
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.randomness import bits, keys_of
from danlu.recipe.schema import Recipe

_TAIL = 0.2  # share of the items, the most frequent, whose share of the rows is told


def divide(recipe: Recipe, table: Table) -> Divided:
    """The rows, those of a user together, with their parts. What the source says of parts is kept. Raises DataError."""
    user, item = (_codes(table.columns[name]) for name in ("user", "item"))
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
        codes, how = _divided(recipe, table, user, item)
    order = np.argsort(user, kind="stable")  # lists of one user are made once where its rows are together
    taken = table.take(order)
    given = [PARTS[code] for code in codes[order].tolist()]
    return Divided(Table(**{**vars(taken), "given": given}), how, _facts(user, item, codes))


def _divided(recipe: Recipe, table: Table, user: np.ndarray, item: np.ndarray) -> tuple[np.ndarray, str]:
    """(int8 (N,) parts, how they were found)."""
    times = table.extra.get("time", table.columns.get("time"))
    asked = recipe.options["split"]
    where = recipe.where("options.split")
    if asked == "time" and times is None:
        raise DataError.of(where, say("recommendation.no-time"), say("recommendation.no-time.remedy"))
    if asked == "auto":
        asked = "random" if times is None else "time"
    when = None if times is None else moments(times, table.origins)
    drawn = bits(recipe.seed, "split", 0, keys_of(table.ids), 1)[:, 0]
    order = np.lexsort((drawn, when)) if when is not None else np.argsort(drawn, kind="stable")
    pair = _pairs(user, item)
    _, first, same = np.unique(pair[order], return_index=True, return_inverse=True)
    rows = order[first]  # of each pair the earliest
    shares = {"val": recipe.data.split.val, "test": recipe.data.split.test}
    if asked == "time":
        assert when is not None
        codes = split_rows(drawn[rows], shares, recipe.seed, time=when[rows]).codes
    elif asked == "random":
        codes = by_user(user[rows], drawn[rows], shares["val"], shares["test"])
    else:
        codes = last_out(user[rows], drawn[rows], when[rows] if when is not None else drawn[rows])
    every = np.empty(len(user), np.int8)
    every[order] = codes[same.reshape(-1)]
    return every, {"time": "by time", "random": "random for each user", "leave-one-out": "leave one out"}[asked]


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


def _codes(values: Any) -> np.ndarray:
    """int64 (N,): the same number for the same name, in the order of the names. No Python object is kept for each row."""
    if isinstance(values, Numbers):
        different, codes = np.unique(values.values, return_inverse=True)
        names = [str(value) for value in different.tolist()]
    else:
        known: dict[str, int] = {}
        codes = np.fromiter((known.setdefault(str(value).strip(), len(known)) for value in values), np.int64)
        names = list(known)
    ranks: np.ndarray = np.argsort(np.argsort(np.asarray(names, object)))
    return ranks[codes.reshape(-1)]


def _pairs(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """int64 (N,): the same number for the same pair."""
    found: np.ndarray = user * (int(item.max(initial=0)) + 1) + item
    return found


def _parts_of_pairs(user: np.ndarray, item: np.ndarray, codes: np.ndarray) -> int:
    """How many pairs are in more than one part."""
    pair = _pairs(user, item)
    return len(np.unique(pair * len(PARTS) + codes)) - len(np.unique(pair))


def _facts(user: np.ndarray, item: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """Users, items, density, how long the tail is, and who is met for the first time when the net is judged."""
    users, items = len(np.unique(user)), len(np.unique(item))
    pairs = len(np.unique(_pairs(user, item)))
    train = codes == TRAIN
    counts = np.sort(np.bincount(item[train], minlength=items))[::-1]
    facts: dict[str, Any] = {
        "users": users,
        "items": items,
        "interactions": len(user),
        "repeated": len(user) - pairs,
        "density": pairs / max(1, users * items),
        "head_share": float(counts[: max(1, round(_TAIL * items))].sum() / max(1, counts.sum())),
    }
    for code, part in ((VAL, "val"), (TEST, "test")):
        for name, values in (("users", user), ("items", item)):
            asked = np.unique(values[codes == code])
            facts[f"cold_{name}_{part}"] = int((~np.isin(asked, values[train])).sum())
    return facts
