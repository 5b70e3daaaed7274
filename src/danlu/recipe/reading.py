"""From what a user wrote to a recipe. Everything that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe import overrides as dotted
from danlu.recipe import yaml
from danlu.recipe.completion import complete, examine
from danlu.recipe.importing import look_in
from danlu.recipe.nearest import did_you_mean
from danlu.recipe.problems import explain, told
from danlu.recipe.schema import Recipe, locate
from danlu.recipe.spelling import spell_out
from danlu.recipe.tree import Node, grow, origins, plain


def load(path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe in a YAML file, changed by ``key.sub=value`` strings. Raises RecipeError with every problem found.

    Only what was written is checked against the schema; :func:`danlu.recipe.complete` adds the task's defaults and checks the rest.
    Modules beside the file can be named in it (``mynet:Net``).
    """
    path = Path(path)
    if not path.is_file():
        beside = [item.name for item in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        what = say("recipe.is-a-folder" if path.is_dir() else "recipe.no-file")
        raise RecipeError.of(str(path), what, did_you_mean(path.name, beside))
    look_in(path.parent)
    return _recipe(yaml.read(path), overrides)


def given(recipe: Recipe | Mapping[str, Any] | str | Path | None, values: Mapping[str, Any]) -> Recipe:
    """Whatever a caller in Python may give: a recipe, a mapping, the path of a YAML file, None for an empty one; changed by ``values``,
    dotted overrides with ``__`` for the dot (``train__epochs=3``). Raises RecipeError.
    """
    if isinstance(recipe, (str, Path)):
        recipe = load(recipe)
    elif recipe is None or isinstance(recipe, Mapping):
        recipe = from_dict(recipe or {})
    changes = {name.replace("__", "."): value for name, value in values.items()}
    return patch(recipe, changes) if changes else recipe


def resolved(path: str | Path) -> Recipe:
    """The recipe that a run wrote down when it began, complete. Raises RecipeError.

    Keys that came after that version have values that mean what was done before there was such a key: those of ``EARLIER``, else the
    schema's defaults. A task's defaults don't touch it: they may have changed since (docs/decisions/0010-old-runs.md).
    """
    recipe = load(path)
    lacking = {key: value for key, value in EARLIER.items() if not _written(recipe, key)}
    return complete(patch(recipe, lacking) if lacking else recipe, defaults=False)


EARLIER: Mapping[str, Any] = {"watch.captures_every": 0}
"""Keys whose default for new runs is another than what was done before there was the key → what was done."""


def from_text(text: str, overrides: Iterable[str] = (), name: str = "recipe") -> Recipe:
    """:func:`load` for YAML in memory; ``name`` stands for the file in messages."""
    return _recipe(yaml.document(text, name), overrides)


def from_dict(mapping: Mapping[str, Any], overrides: Iterable[str] = ()) -> Recipe:
    """The same for nested mappings, with sections as mappings or as objects."""
    return _recipe(grow(mapping), overrides)


def patch(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A copy with values at dotted keys changed; everything else stays, also what was never set."""
    root = grow(recipe)
    problems = dotted.change(root, changes)
    if problems:
        raise RecipeError(problems)
    kept = {
        key: origin
        for key, origin in recipe._origins.items()
        if not any(key == changed or key.startswith(f"{changed}.") for changed in changes)
    }
    return _checked(root, kept)


def _recipe(root: Node, overrides: Iterable[str]) -> Recipe:
    if isinstance(overrides, str):
        raise TypeError("overrides are a list of 'key=value' strings, not one string")
    problems = dotted.apply(root, overrides)
    spell_out(root, Recipe)
    places = origins(root)
    try:
        recipe = _checked(root, places)
    except RecipeError as error:
        raise told([*problems, *error.problems]) from None
    if problems:
        raise told([*problems, *examine(recipe)[1]])
    return recipe


def _checked(root: Node, places: Mapping[str, str]) -> Recipe:
    """The recipe of a tree. Where the schema refuses parts, the others are examined all the same."""
    spell_out(root, Recipe)
    data = plain(root)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        wrong = explain(error, Recipe, data, partial(locate, places))
        for key in wrong:
            _drop(root, key)
        try:
            recipe = Recipe.model_validate(plain(root))
        except ValidationError:
            raise RecipeError(wrong.values()) from None
        recipe._origins = places
        raise RecipeError([*wrong.values(), *examine(recipe, tuple(wrong))[1]]) from None
    recipe._origins = places
    return recipe


def _drop(node: Node, key: str) -> None:
    """Take a wrong value out; of a list nothing is left, since its items would no longer be where they were written."""
    step, _, rest = key.partition(".")
    below = node.value.get(step) if isinstance(node.value, dict) else None
    if below is None:
        return
    if rest and isinstance(below.value, dict):
        _drop(below, rest)
    else:
        del node.value[step]


def _written(recipe: Recipe, key: str) -> bool:
    section: Any = recipe
    *sections, last = key.split(".")
    for name in sections:
        section = getattr(section, name)
    return last in section.model_fields_set
