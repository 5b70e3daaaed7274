"""What a thing in a recipe says of itself: its docstring's first line, and its arguments with their ranges."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from danlu.recipe.arguments import Signature
from danlu.recipe.shape import allowed


def about(thing: Any) -> str:
    """The first line of ``thing``'s docstring, without markup; empty where there is none."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    return lines[0].replace("``", "").replace("`", "") if lines else ""


def arguments(thing: Any, supplied: Collection[str]) -> list[dict[str, Any]]:
    """What a recipe can say about ``thing``: name, allowed (type and range, in words), and default where there is one.

    supplied: arguments that the program gives itself. Empty for what can't be called.
    """
    if not callable(thing):
        return []
    found = []
    for name, parameter in Signature.of(thing).parameters.items():
        if name not in supplied:
            row: dict[str, Any] = {"name": name, "allowed": allowed(parameter.annotation)}
            if not parameter.required:
                row["default"] = inspect.signature(thing).parameters[name].default
            found.append(row)
    return found


def in_short(row: dict[str, Any]) -> str:
    """``gamma=2.0 (a number ≥ 0)``; a required argument without ``=``."""
    shown = f"{row['name']}={_as_yaml(row['default'])}" if "default" in row else row["name"]
    return f"{shown} ({row['allowed']})"


def _as_yaml(value: Any) -> str:
    """A default as it would stand in a recipe."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_as_yaml, value))}]"
    return "null" if value is None else str(value)
