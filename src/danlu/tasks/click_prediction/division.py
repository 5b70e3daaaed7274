"""Impressions are divided by time where it is known; then rows without a click may be thinned out, of the training part alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.dividing import Divided
from danlu.data.kinds.base import BadValue
from danlu.data.kinds.category import class_name, natural
from danlu.data.moments import groups, moments
from danlu.data.progress import Pace, Progress
from danlu.data.row_names import keys_in
from danlu.data.split import TRAIN, codes_of, given_by, split
from danlu.data.table import Table
from danlu.messages import say
from danlu.randomness import bits
from danlu.recipe.schema import Recipe
from danlu.tasks.click_prediction.decoder import positive_of


def divide(recipe: Recipe, table: Table, progress: Progress | None = None) -> Divided:
    """The rows with their parts. What the source says of parts is kept. Raises DataError."""
    pace = Pace(progress, say("clicks.dividing"), 4 * len(table))
    keys = keys_in(table.ids)
    pace(len(table))
    label, names = _labels(table.columns["click"])
    pace(2 * len(table))
    given = None if table.given is None else codes_of(table.given)
    times = table.extra.get("time", table.columns.get("time"))
    made = split(
        keys,
        {"val": recipe.data.split.val, "test": recipe.data.split.test},
        recipe.seed,
        labels=None if recipe.data.split.stratify is False else label,
        strict=recipe.data.split.stratify is True,
        units=groups(table.extra["group"], table.origins) if "group" in table.extra else None,
        given=given,
        time=None if times is None else moments(times, table.origins),
    )
    pace(3 * len(table))
    codes, share = made.codes, float(recipe.options["negatives"])
    facts: dict[str, Any] = {}
    kept = np.arange(len(codes))
    if share < 1 and len(names) == 2:
        clicked = positive_of(names, recipe.options["positive"])
        drawn = bits(recipe.seed, "negatives", 0, keys, 1)[:, 0] / 2.0**64
        thin = (codes == TRAIN) & (label >= 0) & (label != clicked) & (drawn >= share)
        kept = np.flatnonzero(~thin)
        facts = {"negatives": share, "negatives_left_out": int(thin.sum())}
    taken = table.take(kept)
    pace.end(4 * len(table))
    return Divided(Table(**{**vars(taken), "given": given_by(codes[kept])}), made.how, facts)


def _labels(values: Any) -> tuple[np.ndarray, list[str]]:
    """(int64 (N,), -1 where there is none; the names in order)."""
    found: list[str | None] = []
    for value in values:
        try:
            found.append(class_name(value))
        except BadValue:
            found.append(None)
    names = sorted({name for name in found if name is not None}, key=natural)
    place: dict[str | None, int] = {name: index for index, name in enumerate(names)}
    return np.asarray([place.get(name, -1) for name in found], np.int64), names
