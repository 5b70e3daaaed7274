"""The net of an application to tables: by name, given what the columns are like."""

from __future__ import annotations

from typing import Any

from torch import nn

from danlu.data.dataset import Dataset
from danlu.data.kinds.features import Features
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.weights import load_weights
from danlu.recipe import names
from danlu.recipe.arguments import Signature
from danlu.recipe.schema import Named, Recipe


def table_net(recipe: Recipe, data: Dataset, outputs: int, **more: Any) -> nn.Module:
    """Rows float32 (B, F) → (B, members, outputs), or (B, outputs) of a net of the user's own.

    An own class is given ``numbers``, ``cardinalities``, ``classes`` and ``quantiles`` where its constructor has such parameters;
    ``more`` likewise, unless the recipe says them.
    Raises RecipeError for a net that is none for tables.
    """
    kind = data.kinds["features"]
    assert isinstance(kind, Features)
    model = recipe.model
    name = "tabm" if model.name == "auto" else model.name
    where = recipe.where("model.name")
    thing = names.load_object(names.resolve("net", name, where), where)
    if isinstance(thing, nn.Module):
        raise RecipeError.of(where, say("tables.not-a-table-net", name=name))
    signature = Signature.of(thing)
    offered: dict[str, Any] = {
        "numbers": len(kind.numbers),
        "cardinalities": kind.cardinalities,
        "classes": outputs,
        "quantiles": data.statistics["features"].get("quantiles", ()),
        **{key: value for key, value in more.items() if key not in model.args},
    }
    if ":" not in name and not {"numbers", "cardinalities"} <= signature.parameters.keys():
        raise RecipeError.of(where, say("tables.not-a-table-net", name=name))
    sizes = {key: value for key, value in offered.items() if key in signature.parameters}
    wanted = {
        key: value
        for key in ("activation", "norm", "dropout", "drop_path")
        if (value := getattr(model, key)) is not None
    }
    for key in wanted:
        if key not in signature.parameters and not signature.others:
            where = recipe.where(f"model.{key}")
            raise RecipeError.of(where, say("nn.takes-no", net=name, argument=key), say("nn.untaken-remedy"))
    net: nn.Module = names.construct(
        thing, Named(name=name, args=dict(model.args)), recipe.where("model"), **sizes, **wanted
    )
    if isinstance(model.pretrained, str):
        load_weights(net, model.pretrained, recipe.where("model.pretrained"))
    elif model.pretrained:
        what = say("nn.none-published", net=type(net).__name__)
        raise RecipeError.of(recipe.where("model.pretrained"), what, say("nn.none-published-remedy"))
    return net
