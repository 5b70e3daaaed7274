"""From the recipe's ``model`` to a net: own, published, or the user's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.nn.published import timm_net, torchvision_net
from danlu.nn.stochastic_depth import has_depth, no_branches, set_depth
from danlu.nn.weights import is_file, load_weights
from danlu.recipe import names
from danlu.recipe.arguments import Signature, Where, in_args, place
from danlu.recipe.published import HUB, refuse_unknown
from danlu.recipe.schema import Named

# What the program offers a net of the user's, under the names in use.
_OFFERED = {
    "in_channels": ("in_channels", "in_chans"),
    "classes": ("classes", "num_classes", "n_classes"),
    "image_size": ("image_size", "img_size"),
}


def build_net(
    name: str,
    in_channels: int,
    classes: int,
    image_size: tuple[int, int],
    *,
    activation: str | None = None,
    norm: str | None = None,
    dropout: float | None = None,
    drop_path: float | None = None,
    args: Mapping[str, Any] | None = None,
    pretrained: bool | str = False,
    where: Where = "model",
) -> nn.Module:
    """A new net: float images (B, in_channels, *image_size) → (B, classes). Draws from torch's default generator.

    name: of an own net; ``torchvision:NAME``, ``timm:NAME`` or ``hf:NAME`` with input and head fitted; or ``package.module:Object``,
    an nn.Module class, a function that makes one, or a module itself (which is copied, so that runs don't share it).
    The user's own are given channels, classes and image size where their signature has a parameter for them.
    activation, norm, dropout: None leaves the net's own; a net that has no such argument refuses them. drop_path: the rate of
    stochastic depth of the last residual branch, earlier ones have less; the same.
    pretrained: True for published weights, or what :func:`danlu.nn.weights.load_weights` takes; for torchvision and timm also the
    weights' name.

    Raises RecipeError, where ``where`` is the recipe's place of ``model``.
    """
    spot = place(where, "name")
    target = names.resolve("net", name, spot)
    wanted = {"activation": activation, "norm": norm, "dropout": dropout, "drop_path": drop_path}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    package, _, model = target.partition(":")
    if package == HUB:
        refuse_unknown(package, model, spot)
        given = {**_published_arguments(package, wanted, where), **(args or {})}
        from danlu.nn.transformers_net import transformers_net

        return transformers_net(
            model, in_channels, classes, image_size, given, pretrained, spot, place(where, "pretrained")
        )
    if package in ("torchvision", "timm"):
        names.load_object(target, spot)  # refuses an unknown model with the nearest name
        wanted.pop("drop_path", None)
        given = {**_published_arguments(package, wanted, where), **(args or {})}
        if drop_path is not None and package == "timm":
            given["drop_path_rate"] = drop_path
        make = torchvision_net if package == "torchvision" else timm_net
        weights: bool | str = False if is_file(pretrained) else pretrained
        try:
            net = make(model, in_channels, classes, image_size, given, weights, spot)
        except RecipeError as error:
            if (
                drop_path is not None
                and isinstance(error.__cause__, TypeError)
                and "drop_path_rate" in str(error.__cause__)
            ):
                raise no_branches(name, place(where, "drop_path")) from error
            raise
        if drop_path is not None and package == "torchvision":
            set_depth(net, drop_path, name, place(where, "drop_path"))
        if drop_path and package == "timm" and not has_depth(net):
            raise no_branches(name, place(where, "drop_path"))
        return _finished(net, pretrained, where) if is_file(pretrained) else net
    thing = names.load_object(target, spot)
    chosen = Named(name=name, args=dict(args or {}))
    if isinstance(thing, nn.Module):
        return _finished(_copied(thing, chosen, wanted, where), pretrained, where)
    if not callable(thing):
        raise RecipeError.of(
            spot, say("nn.not-a-net", name=name, kind=type(thing).__name__), say("nn.not-a-net-remedy")
        )
    sizes = {"in_channels": in_channels, "classes": classes, "image_size": image_size}
    own = target != name
    context = sizes if own else _accepted(thing, sizes)
    _refuse_untaken(thing, chosen, wanted, where)
    net = names.construct(thing, chosen, in_args(where), **context, **wanted)
    if not isinstance(net, nn.Module):
        raise RecipeError.of(spot, say("nn.not-a-net", name=name, kind=type(net).__name__), say("nn.not-a-net-remedy"))
    _settle(net, (2, in_channels, *image_size), name, spot)
    return _finished(net, pretrained, where)


def _settle(net: nn.Module, shape: tuple[int, ...], name: str, spot: str) -> None:
    """Lazy layers learn their sizes from one batch of zeros; running statistics are left as they were."""
    if not any(is_lazy(parameter) for parameter in net.parameters()):
        return
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(shape))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise RecipeError.of(spot, say("nn.refused", net=name, reason=reason), say("nn.refused-remedy")) from error
    finally:
        net.train()


def _published_arguments(package: str, wanted: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """Dropout is passed on; activations and norms of published nets are their own."""
    problems = [
        Problem(
            place(where, key), say("nn.published-takes-no", package=package, argument=key), say("nn.untaken-remedy")
        )
        for key in wanted
        if key not in ("dropout", "drop_path")
    ]
    if problems:
        raise RecipeError(problems)
    return {"drop_rate" if package == "timm" else key: value for key, value in wanted.items()}


def _accepted(thing: Any, sizes: Mapping[str, Any]) -> dict[str, Any]:
    parameters = Signature.of(thing).parameters
    found = {}
    for key, spellings in _OFFERED.items():
        name = next((spelling for spelling in spellings if spelling in parameters), None)
        if name is not None:
            found[name] = sizes[key]
    return found


def _refuse_untaken(thing: Any, chosen: Named, wanted: Mapping[str, Any], where: Where) -> None:
    signature = Signature.of(thing)
    problems = [
        _untaken(chosen.name, key, where) for key in wanted if key not in signature.parameters and not signature.others
    ]
    if problems:
        raise RecipeError(problems)


def _untaken(name: str, key: str, where: Where) -> Problem:
    if key == "drop_path":
        return no_branches(name, place(where, key)).problems[0]
    return Problem(place(where, key), say("nn.takes-no", net=name, argument=key), say("nn.untaken-remedy"))


def _copied(module: nn.Module, chosen: Named, wanted: Mapping[str, Any], where: Where) -> nn.Module:
    given = [*wanted, *chosen.args]
    if given:
        raise RecipeError(_untaken(chosen.name, key, where) for key in given)
    return copy.deepcopy(module)


def _finished(net: nn.Module, pretrained: bool | str, where: Where) -> nn.Module:
    spot = place(where, "pretrained")
    if isinstance(pretrained, str):
        load_weights(net, pretrained, spot)
    elif pretrained:
        raise RecipeError.of(spot, say("nn.none-published", net=type(net).__name__), say("nn.none-published-remedy"))
    return net
