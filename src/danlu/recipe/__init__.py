"""The recipe: read, completed, changed, written. Nothing here loads torch, unless what a recipe names has to be looked at."""

from danlu.recipe.completion import complete
from danlu.recipe.editors import json_schema
from danlu.recipe.reading import from_dict, from_text, given, load, patch, resolved
from danlu.recipe.schema import Named, Recipe
from danlu.recipe.writing import dump

__all__ = [
    "Named",
    "Recipe",
    "complete",
    "dump",
    "from_dict",
    "from_text",
    "given",
    "json_schema",
    "load",
    "patch",
    "resolved",
]
