"""The net that scores pairs of a user and an item: by name, made for so many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.embedding.interactions import Interactions
from danlu.recipe import names
from danlu.recipe.schema import Named, Recipe

SPARSE = ("rowwise-adagrad", "sparse-adam")


def scorer(model: Named, recipe: Recipe, known: Interactions, key: str) -> nn.Module:
    """The net that ``model`` names, for so many users and items; one's own is made with ``users`` and ``items``. Raises RecipeError."""
    where = recipe.where(f"{key}.name")
    target = names.load_object(names.resolve("net", model.name, where), where)
    context: dict[str, Any] = {"users": known.users, "items": known.count}
    takes = parameters_of(target)
    if "interactions" in takes:
        context["interactions"] = known
    if not {"users", "items"} <= takes:
        raise RecipeError.of(where, say("recommendation.no-net", name=model.name), say("recommendation.no-net.remedy"))
    args: Mapping[str, Any] = dict(model.args)
    if "sparse" in takes and "sparse" not in args and model.name == recipe.model.name:
        args = {**args, "sparse": _sparse(recipe)}
    made = names.construct(target, Named(name=model.name, args=dict(args)), recipe.under(f"{key}.args"), **context)
    if not isinstance(made, nn.Module):
        raise RecipeError.of(where, say("recommendation.no-net", name=model.name), say("recommendation.no-net.remedy"))
    return made


def _sparse(recipe: Recipe) -> bool:
    """Whether gradients hold the batch's rows alone. Raises RecipeError where what is asked for can't do with that."""
    made_for, asked = recipe.train.optimizer.name in SPARSE, recipe.options["sparse"]
    wanted = made_for if asked == "auto" else bool(asked)
    if wanted and not made_for and ":" not in recipe.train.optimizer.name:
        where = recipe.where("train.optimizer.name")
        raise RecipeError.of(
            where, say("recommendation.dense", name=recipe.train.optimizer.name, sparse=", ".join(SPARSE))
        )
    for key, given in (("train.l1", recipe.train.l1), ("train.sam", recipe.train.sam)):
        if wanted and given:
            what = say("recommendation.sparse-and", key=key)
            raise RecipeError.of(recipe.where(key), what, say("recommendation.sparse-and.remedy"))
    return wanted


def parameters_of(target: Any) -> set[str]:
    """Names of what a class or function is called with."""
    import inspect

    try:
        return set(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return set()
