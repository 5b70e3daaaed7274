"""What a thing in a recipe says of itself: its docstring's first sentence, and its arguments with their ranges."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from typing import Any

from danlu.recipe.arguments import Signature
from danlu.recipe.shape import allowed


def about(thing: Any) -> str:
    """The first sentence of ``thing``'s docstring, without markup; empty where there is none."""
    first = (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("`", "")
    return re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(first.split()), maxsplit=1)[0]


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


def as_yaml(row: dict[str, Any]) -> str:
    """An argument's default as it would stand in a recipe; an ellipsis for one that must be given."""
    return _text(row["default"]) if "default" in row else "…"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"
    return "null" if value is None else str(value)
