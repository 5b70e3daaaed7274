"""What a recipe may choose of its net, read from the net's source without running it. Loads no torch."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from danlu.recipe.names import catalogue
from danlu.recipe.schema import Recipe

_KEYS = ("activation", "norm", "dropout")


def takes(recipe: Recipe) -> dict[str, Any]:
    """Of ``model.activation``, ``model.norm`` and ``model.dropout`` those that the net has, with the value that holds.

    Empty where the net is the task's own, somebody else's or the user's: what names theirs understand is not known.
    """
    target = catalogue("net").get(recipe.model.name)
    if target is None:
        return {}
    defaults = _defaults(target)
    found = {key: getattr(recipe.model, key) for key in _KEYS if key in defaults}
    return {key: defaults[key] if value is None else value for key, value in found.items()}


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
