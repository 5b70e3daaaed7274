"""A task's net with the recipe's adapter in it."""

from __future__ import annotations

from torch import nn

from danlu.nn.adapters.base import Adapter
from danlu.recipe import names
from danlu.recipe.schema import Recipe
from danlu.training.unfreezing.all import All
from danlu.training.unfreezing.base import Unfreezing


def attach(net: nn.Module, recipe: Recipe) -> Adapter | None:
    """Put it in; None where none is asked for. Raises RecipeError where it can't be."""
    if recipe.model.adapter is None:
        return None
    where = recipe.under("model.adapter")
    adapter: Adapter = names.build("adapter", recipe.model.adapter, where)
    adapter.attach(net, where(""))
    return adapter


def unfreezing(recipe: Recipe) -> Unfreezing:
    """The recipe's plan. With an adapter all that is not frozen already learns, whether "all" or "frozen" is said."""
    if recipe.model.adapter is not None:
        return All()
    plan: Unfreezing = names.build("unfreeze", recipe.model.unfreeze, recipe.where("model.unfreeze"))
    return plan
