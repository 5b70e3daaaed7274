"""From a name in a small table of ours, or ``package.module:Object``, to what it stands for. No torch."""

from __future__ import annotations

from collections.abc import Mapping

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean


def target(group: str, name: str, entries: Mapping[str, str]) -> str:
    """``module:Object`` for ``name``. Raises RecipeError with the nearest name where there is none."""
    if name in entries:
        return entries[name]
    if ":" in name:
        return name
    what = say("nn.unknown-name", group=group, name=name)
    known = say("nn.known-names", names=", ".join(entries))
    raise RecipeError.of(f"model.{group}", what, f"{did_you_mean(name, entries)} {known}".strip())
