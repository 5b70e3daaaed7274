"""What a recipe may choose of its net: of Danlu's nets read from their source, of the user's as the training wrote it down.

Loads no torch, but for :func:`own_takes`, which trainings ask.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from danlu.recipe.arguments import Signature
from danlu.recipe.names import catalogue, load_object
from danlu.recipe.published import PACKAGES
from danlu.recipe.schema import Recipe

_KEYS = ("activation", "norm", "dropout")


def takes(recipe: Recipe, own: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Of ``model.activation``, ``model.norm`` and ``model.dropout`` those that the net has, with the value that holds.

    own: what :func:`own_takes` found when the net was made. Empty where the net is the task's own or somebody else's.
    """
    target = catalogue("net").get(recipe.model.name)
    if target is None:
        return {key: found["value"] for key, found in (own or {}).items()}
    defaults = _defaults(target)
    found = {key: getattr(recipe.model, key) for key in _KEYS if key in defaults}
    return {key: defaults[key] if value is None else value for key, value in found.items()}


def own_takes(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The same of a net of the user's, by its signature: "activation" → {"value": "relu", "choices": names it takes, None: not said}.

    Only what its code knows by a name that recipes use, or a number: else a name from here would mean nothing to it. JSON-able.
    Imports the net.
    """
    name = recipe.model.name
    if ":" not in name or name.partition(":")[0] in PACKAGES:
        return {}
    thing = load_object(name, recipe.where("model.name"))
    if not isinstance(thing, type) and hasattr(thing, "forward"):  # a module that is made already takes nothing
        return {}
    found: dict[str, dict[str, Any]] = {}
    for key, parameter in Signature.of(thing).parameters.items():
        if key in _KEYS:
            chosen = getattr(recipe.model, key)
            value = parameter.default if chosen is None else chosen
            if key == "dropout" and isinstance(value, int | float) and not isinstance(value, bool):
                found[key] = {"value": float(value), "choices": None}
            elif key != "dropout" and isinstance(value, str) and value in catalogue(key):
                found[key] = {"value": value, "choices": _choices(parameter.annotation)}
    return found


def _choices(annotation: Any) -> list[str] | None:
    """What a ``Literal`` allows; None of anything else."""
    inner = [annotation, *get_args(annotation)]
    said = [each for one in inner if get_origin(one) is Literal for each in get_args(one) if isinstance(each, str)]
    return said or None


def _defaults(target: str) -> dict[str, Any]:
    """Keyword argument → its literal default, of the class ``module:Class``."""
    module, _, name = target.partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return {}
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                    return _literals(inner.args)
    return {}


def _literals(arguments: ast.arguments) -> dict[str, Any]:
    found = {}
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        try:
            found[one.arg] = None if default is None else ast.literal_eval(default)
        except ValueError:
            found[one.arg] = None
    return found
