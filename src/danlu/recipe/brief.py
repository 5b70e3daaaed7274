"""A complete recipe as its user would write it: only what a task's defaults don't say already."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from danlu.recipe.completion import complete
from danlu.recipe.reading import from_dict
from danlu.recipe.schema import Named, Recipe, Section
from danlu.recipe.writing import dump, flow, short

_FIRST = "task"  # is always said


def brief(recipe: Recipe, keep: Collection[str] = ()) -> dict[str, Any]:
    """The fewest keys, nested, that :func:`danlu.recipe.complete` makes the same complete recipe of. keep: dotted keys said anyway.

    A key is left out where nothing changes without it, and a section where nothing changes without all of it.
    """
    tree: dict[str, Any] = _tree(recipe)
    wanted = dump(recipe)
    for path in list(_paths(tree)):
        if path[0] == _FIRST or any(_touches(path, tuple(key.split("."))) for key in keep):
            continue
        smaller = _without(tree, path)
        if smaller is not None and _completed(smaller) == wanted:
            tree = smaller
    return tree


def written(tree: Mapping[str, Any], notes: Mapping[str, str] | None = None, head: str = "") -> str:
    """YAML. notes: dotted key → a comment behind it, one line. head: comment lines before everything."""
    lines = [f"# {line}" for line in head.splitlines()]
    return "".join(f"{line}\n" for line in [*lines, *_lines(tree, notes or {}, (), "")])


def _lines(tree: Mapping[str, Any], notes: Mapping[str, str], above: tuple[str, ...], indent: str) -> Iterator[str]:
    for key, value in tree.items():
        path = (*above, key)
        note = notes.get(".".join(path), "")
        tail = f"  # {note}" if note else ""
        inner = isinstance(value, dict) and any(name.startswith(".".join(path) + ".") for name in notes)
        if isinstance(value, dict) and value and (inner or (len(path) == 1 and not tail)):
            yield f"{indent}{flow(key)}:"
            yield from _lines(value, notes, path, indent + "  ")
        else:
            yield f"{indent}{flow(key)}: {flow(value)}{tail}"


def _tree(value: Any) -> Any:
    """Sections as mappings, choices in their short spelling."""
    if isinstance(value, Named):
        return short(value)
    if isinstance(value, Section):
        found = {key: _tree(getattr(value, key)) for key in type(value).model_fields}
        return found
    if isinstance(value, tuple | list):
        return [_tree(item) for item in value]
    return {key: _tree(item) for key, item in value.items()} if isinstance(value, dict) else value


def _paths(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key, those of a section before what is in it."""
    for key, value in tree.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _without(tree: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """None where it is gone already. A section that is left empty goes too."""
    key, *rest = path
    if key not in tree:
        return None
    found = dict(tree)
    if not rest:
        del found[key]
        return found
    if not isinstance(found[key], dict):
        return None
    inner = _without(found[key], tuple(rest))
    if inner is None:
        return None
    if inner:
        found[key] = inner
    else:
        del found[key]
    return found


def _touches(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one is the other, or lies above it."""
    return one == other[: len(one)] or other == one[: len(other)]


def _completed(tree: Mapping[str, Any]) -> str:
    """The text of what it means; empty where it means nothing."""
    from danlu.errors import RecipeError

    try:
        return dump(complete(from_dict(tree)))
    except RecipeError:
        return ""
