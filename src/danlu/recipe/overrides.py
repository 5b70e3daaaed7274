"""Dotted overrides: ``train.optimizer.lr=3e-4`` reaches every key, also those of short spellings and those not yet written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel

from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.recipe import yaml
from danlu.recipe.problems import unknown_key
from danlu.recipe.schema import Named, OptimizerSection, Recipe
from danlu.recipe.shape import alternatives, child, keys, sections
from danlu.recipe.spelling import write_out
from danlu.recipe.tree import Node, grow, plain

_KEY = re.compile(r"[^\s.=]+(\.[^\s.=]+)*")


def apply(root: Node, overrides: Iterable[str]) -> list[Problem]:
    """Write ``key=value`` strings into the tree, in order. Returns what could not be written."""
    origin = say("recipe.command-line")
    problems = []
    for text in overrides:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            problems.append(
                Problem(origin, say("recipe.not-an-override", text=text), say("recipe.not-an-override.remedy"))
            )
            continue
        try:
            node = yaml.value(value, origin)
        except RecipeError as error:
            problems += [Problem(f"{origin} ({key})", each.what, each.remedy) for each in error.problems]
            continue
        problems += _assign(root, key, node, origin)
    return problems


def change(root: Node, changes: Mapping[str, Any]) -> list[Problem]:
    """The same for Python values by dotted key."""
    return [problem for key, value in changes.items() for problem in _assign(root, key, grow(value), "")]


@dataclass(frozen=True)
class _Change:
    """What is being written: the whole dotted key, its value, and where it was asked for."""

    key: str
    value: Node
    where: str


def _assign(root: Node, key: str, value: Node, origin: str) -> list[Problem]:
    try:
        _put(root, Recipe, key.split("."), _Change(key, value, f"{origin} ({key})" if origin else key))
    except RecipeError as error:
        return list(error.problems)
    return []


def _put(node: Node, annotation: Any, path: list[str], change: _Change) -> None:
    write_out(node, annotation)
    holders = _holders(annotation)
    if node.value is None or node.value == {}:
        node.value = [] if list in holders else {}
    if isinstance(node.value, list):
        _put_item(node, annotation, path, change)
        return
    done = change.key.removesuffix(".".join(path)).rstrip(".")
    if dict not in holders:
        raise RecipeError.of(
            change.where, say("recipe.no-keys-below", key=done), say("recipe.no-keys-below.remedy", key=done)
        )
    if not isinstance(node.value, dict):
        node.value = {}
    step, *rest = _route(node, annotation, path, change.value)
    if keys(annotation) and step not in keys(annotation):
        raise RecipeError(unknown_key(change.where, annotation, step, plain(change.value), done))
    if rest:
        below = node.value.get(step, Node({}))
        _put(below, child(annotation, step), rest, change)
        node.value[step] = below
    else:
        node.value[step] = change.value


def _put_item(node: Node, annotation: Any, path: list[str], change: _Change) -> None:
    step, *rest = path
    if not step.isdecimal() or int(step) > len(node.value):
        done = change.key.removesuffix(".".join(path)).rstrip(".")
        what = say("recipe.not-an-index", key=done, step=step, count=len(node.value))
        raise RecipeError.of(change.where, what, say("recipe.not-an-index.remedy", key=done))
    index = int(step)
    if index == len(node.value):
        node.value.append(Node({}))
    if rest:
        _put(node.value[index], child(annotation, index), rest, change)
    else:
        node.value[index] = change.value


def _route(node: Node, annotation: Any, path: list[str], value: Node) -> list[str]:
    """The path with what short spellings leave out: arguments lie in ``args``, ``rotate`` of ``{rotate: 10}`` is the value."""
    kind = next((kind for kind in sections(annotation) if issubclass(kind, Named | OptimizerSection)), None)
    step, *rest = path
    if kind is None or step in kind.model_fields:
        return path
    name = node.value.get("name")
    if kind is Named and name is not None and step == name.value:
        return ["args" if rest or isinstance(value.value, dict) else "value", *rest]
    return ["args", *path]


def _holders(annotation: Any) -> set[type]:
    """Whether a mapping, a list, either or neither may stand there."""
    kinds = [get_origin(kind) or kind for kind, _ in alternatives(annotation)]
    if annotation is None or Any in kinds:
        return {dict}
    found: set[type] = set()
    for kind in (kind for kind in kinds if isinstance(kind, type)):
        if issubclass(kind, BaseModel | Mapping):
            found.add(dict)
        elif issubclass(kind, Sequence) and not issubclass(kind, str):
            found.add(list)
    return found
