"""Items are divided, so that those which are judged were never met; or a user's rows, as in item recommendation."""

from __future__ import annotations

import numpy as np

from danlu.data.dividing import Divided
from danlu.data.progress import Progress
from danlu.data.split import PARTS, split
from danlu.data.table import Table
from danlu.randomness import keys_of
from danlu.recipe.schema import Recipe
from danlu.tasks.interactions import division


def divide(recipe: Recipe, table: Table, progress: Progress | None = None) -> Divided:
    """The rows, those of a user together, with their parts. What the source says of parts is kept. Raises DataError."""
    if recipe.options["split"] != "items" or (table.given is not None and any(table.given)):
        return division.divide(recipe, table, progress)
    names, place = np.unique([str(value).strip() for value in table.columns["item"]], return_inverse=True)
    shares = {"val": recipe.data.split.val, "test": recipe.data.split.test}
    codes = split(keys_of([str(name) for name in names]), shares, recipe.seed).codes[place.reshape(-1)]
    given = [PARTS[code] for code in codes.tolist()]
    made = division.divide(recipe, Table(**{**vars(table), "given": given}), progress)
    return Divided(made.table, "by item", made.facts)
