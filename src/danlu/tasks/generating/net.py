"""Nets that write, by the recipe's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.nn.weights import load_weights
from danlu.recipe import names
from danlu.recipe.arguments import Signature
from danlu.recipe.schema import Named, Recipe


def writing_net(recipe: Recipe, default: str, sizes: Mapping[str, Any], needs: str, without: str = "") -> nn.Module:
    """An own net by name, or the user's. sizes: what the program gives where the constructor has a parameter of that name; an own net
    that lacks ``needs`` or has ``without``, or any net without ``begin`` and ``step``, is none that writes. Raises RecipeError.
    """
    model, where = recipe.model, recipe.where("model")
    name = default if model.name == "auto" else model.name
    spot = recipe.where("model.name")
    unfit = RecipeError.of(
        spot, say("generating.no-writer", name=name), say("generating.no-writer.remedy", net=default)
    )
    if name.partition(":")[0] in ("timm", "torchvision", "hf"):
        raise unfit
    thing = names.load_object(names.resolve("net", name, spot), spot)
    if isinstance(thing, nn.Module) or not callable(getattr(thing, "step", None)):
        raise unfit
    parameters = Signature.of(thing).parameters
    if ":" not in name and (needs not in parameters or without in parameters):
        raise unfit
    wanted = {
        key: value
        for key in ("activation", "norm", "dropout", "drop_path")
        if (value := getattr(model, key)) is not None
    }
    lacking = [key for key in wanted if key not in parameters and not Signature.of(thing).others]
    if lacking:
        raise RecipeError(
            Problem(recipe.where(f"model.{key}"), say("nn.takes-no", net=name, argument=key), say("nn.untaken-remedy"))
            for key in lacking
        )
    given = {key: value for key, value in sizes.items() if key in parameters and key not in model.args}
    net: nn.Module = names.construct(thing, Named(name=name, args=dict(model.args)), where, **given, **wanted)
    if isinstance(model.pretrained, str):
        load_weights(net, model.pretrained, recipe.where("model.pretrained"))
    elif model.pretrained:
        what = say("nn.none-published", net=type(net).__name__)
        raise RecipeError.of(recipe.where("model.pretrained"), what, say("nn.none-published-remedy"))
    return net
