"""What is wrong with a value, told to a person: where, the value, what is allowed, and what was probably meant."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.recipe.nearest import meant, nearest, same
from danlu.recipe.schema import Named, Recipe
from danlu.recipe.shape import accepts, allowed, child, choices, field_type, guesses, keys, sections
from danlu.recipe.writing import flow, shown

Where = Callable[[str], str]  # dotted key → place
Path = tuple[str | int, ...]


def explain(error: ValidationError, annotation: Any, data: Any, where: Where, prefix: str = "") -> dict[str, Problem]:
    """One problem for each wrong value, by dotted key.

    data: what was validated as ``annotation``, plain and with short spellings written out. prefix: dotted key of it in the recipe.
    """
    grouped: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        path = _path(details["loc"], annotation, data)
        if details["type"] == "extra_forbidden" and Named in sections(_at(annotation, path[:-1])):
            path = path[:-1]  # no name, and keys that only a name would make arguments: the whole is misspelt
            details["type"], details["input"] = "choice", _value(data, path)
        grouped.setdefault(path, []).append(details)
    problems = {}
    for path, errors in grouped.items():
        if any(other != path and other[: len(path)] == path for other in grouped):
            continue  # one alternative of a union was nearly right: what is wrong inside it says more
        key = ".".join(map(str, (prefix, *path) if prefix else path))
        problems[key] = _problem(errors, annotation, path, key, where(key))
    return problems


def told(problems: Iterable[Problem]) -> RecipeError:
    """All of them as one error, in the order of the file; those of the command line come last."""

    def line(problem: Problem) -> float:
        found = re.search(r":(\d+) \(", problem.where)
        return int(found[1]) if found else math.inf

    return RecipeError(sorted(problems, key=line))


def unknown_key(where: str, annotation: Any, key: str, value: Any, parent: str) -> Problem:
    """``key`` is none of those known below ``parent``, where ``annotation`` stands."""
    known = keys(annotation)
    here, elsewhere = same(key, known), same(key, _leaves())
    if here is None and elsewhere is None:
        here, elsewhere = nearest(key, known), nearest(key, _leaves())
    if nested := _nested(key, value, known):
        remedy = say("recipe.nested", nested=nested)
    elif here is not None:
        remedy = meant(key, here)
    elif elsewhere is not None:
        remedy = say("recipe.belongs", key=_leaves()[elsewhere])
    else:
        remedy = say("recipe.known-keys", keys=", ".join(known)) if known else say("recipe.leave-out")
    name = key if key.isprintable() and key.strip() else shown(key)
    what = say("recipe.unknown-key", key=name, value=shown(value), parent=parent or say("recipe.the-recipe"))
    return Problem(where, what, remedy)


def _nested(key: str, value: Any, known: Iterable[str]) -> str:
    """``train.epochs: 3``, which is the command line's way, as a file has it; nothing for other keys."""
    first, *steps = key.split(".")
    if not steps or first not in known or not all(steps):
        return ""
    for step in reversed(steps):
        value = {step: value}
    return f"{first}: {shown(value)}"


def not_allowed(where: str, value: Any, annotation: Any) -> Problem:
    """``value`` is nothing that ``annotation`` allows."""
    what = say("recipe.not-allowed", value=shown(value), allowed=allowed(annotation))
    near = nearest(value, filter(_is_text, choices(annotation))) if isinstance(value, str) else None
    if isinstance(value, dict) and Named in sections(annotation):
        near = next((f"name: {flow(item)}" for key, item in value.items() if nearest(key, ["name"])), None)
    elif near is None:
        likely = [guess for guess in guesses(value) if not (guess == "none" and Named in sections(annotation))]
        near = next((flow(guess) for guess in likely if accepts(annotation, guess)), None)
    if near is None and isinstance(value, str) and _KEY.match(value) and any(sections(annotation)):
        return Problem(where, what, say("recipe.yaml.no-colon.remedy"))
    return Problem(where, what, "" if near is None else say("recipe.did-you-mean", name=near))


def _path(loc: Path, annotation: Any, data: Any) -> Path:
    """pydantic's place of an error without what is no key of the data: members of unions, names of validators."""
    path: list[str | int] = []
    for step in loc:
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list | tuple) and isinstance(step, int) and step < len(data):
            data = data[step]
        elif step in keys(annotation):
            data = None
        else:
            continue
        path.append(step)
        annotation = child(annotation, step)
    return tuple(path)


def _at(annotation: Any, path: Path) -> Any:
    for step in path:
        annotation = child(annotation, step)
    return annotation


def _value(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _problem(errors: list[ErrorDetails], annotation: Any, path: Path, key: str, where: str) -> Problem:
    parent, own = _at(annotation, path[:-1]), _at(annotation, path)
    first = errors[0]
    kinds = {details["type"] for details in errors}
    if "extra_forbidden" in kinds:
        last = str(path[-1])
        return unknown_key(where, parent, last, first["input"], key.removesuffix(last).rstrip("."))
    if "missing" in kinds:
        return Problem(where, say("recipe.missing", allowed=allowed(own)))
    if own is None or "value_error" in kinds:
        return Problem(where, first["msg"].removeprefix("Value error, "))
    return not_allowed(where, first["input"], own)


_KEY = re.compile(r"[\w-]+\s*[:：]")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


@cache
def _leaves() -> dict[str, str]:
    """Last part of a key → the (first) dotted key of the recipe that ends so."""
    found: dict[str, str] = {}
    for key in _below(Recipe, ""):
        found.setdefault(key.rpartition(".")[2], key)
    return {leaf: key for leaf, key in found.items() if leaf not in ("name", "args")}


def _below(annotation: Any, prefix: str) -> Iterator[str]:
    for section in sections(annotation):
        for key, field in section.model_fields.items() if section is not Named else ():
            yield prefix + key
            yield from _below(field_type(field), f"{prefix}{key}.")
