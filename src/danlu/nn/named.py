"""From a name in a small table of ours, or ``package.module:Object``, to what it stands for. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from danlu.errors import DanluError, RecipeError
from danlu.messages import say
from danlu.recipe import names
from danlu.recipe.nearest import did_you_mean

if TYPE_CHECKING:
    from torch import nn


def target(group: str, name: str, entries: Mapping[str, str]) -> str:
    """``module:Object`` for ``name``. Raises RecipeError with the nearest name where there is none."""
    if name in entries:
        return entries[name]
    if ":" in name:
        return name
    what = say("nn.unknown-name", group=group, name=name)
    known = say("nn.known-names", names=", ".join(entries))
    raise RecipeError.of(f"model.{group}", what, f"{did_you_mean(name, entries)} {known}".strip())


def made(group: str, name: str, entries: Mapping[str, str], *given: Any, **args: Any) -> nn.Module:
    """A new module of the table, or the user's own. Raises RecipeError for an unknown name, and for what makes no module."""
    from torch import nn

    where = f"model.{group}"
    make = names.load_object(target(group, name, entries), where)
    if not callable(make) or isinstance(make, nn.Module):
        raise RecipeError.of(where, say("recipe.not-callable", name=name, kind=type(make).__name__))
    try:
        module = make(*given, **args)
    except DanluError:
        raise
    except Exception as error:
        if name in entries:
            raise
        raise names.failed(name, where, error) from error
    if not isinstance(module, nn.Module):
        raise RecipeError.of(where, say("nn.not-a-layer", name=name, kind=type(module).__name__))
    return module
