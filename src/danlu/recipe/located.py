"""Places of problems as the recipe's writer finds them: a dotted key becomes ``file:line (key)``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import get_origin

from danlu.errors import DanluError
from danlu.recipe.schema import Recipe, Section
from danlu.recipe.shape import alternatives


@contextmanager
def located(recipe: Recipe) -> Iterator[None]:
    """Within it, code far from the recipe (data, nets) may say ``data.split.group``; the reader is told file and line."""
    try:
        yield
    except DanluError as error:
        problems = [replace(each, where=_place(recipe, each.where)) for each in error.problems]
        if problems == list(error.problems):
            raise
        raise type(error)(problems) from error


def _place(recipe: Recipe, where: str) -> str:
    """A file may be called ``data.csv``: only what is a key of a section counts."""
    head, _, rest = where.partition(".")
    field = Recipe.model_fields.get(head)
    if field is None:
        return where
    kinds = [get_origin(kind) or kind for kind, _ in alternatives(field.annotation)]
    keys = {key for kind in kinds if isinstance(kind, type) and issubclass(kind, Section) for key in kind.model_fields}
    return recipe.where(where) if rest.partition(".")[0] in keys else where
