"""Nets that torchvision and timm publish, fitted to the images' channels and to the classes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from torch import nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.head import head_of
from danlu.nn.hub import careful, tensors_only
from danlu.nn.offline import published_file
from danlu.nn.weights import first_convolution, fitted, load_weights, replace

Size = tuple[int, int]


def torchvision_net(
    name: str,
    in_channels: int,
    classes: int,
    image_size: Size,
    args: dict[str, Any],
    pretrained: bool | str,
    where: str,
) -> nn.Module:
    """A classification model of torchvision. pretrained: True, or a name among its weights.

    Raises RecipeError where the model refuses its arguments or the image's size, or weights can't be had.
    """
    ensure()
    from torchvision import models

    args = {**_torchvision_defaults(name, image_size, where), **args}
    if not pretrained:
        net = _made(where, models.get_model, name, weights=None, num_classes=classes, **args)
        if in_channels != 3:
            _new_input(net, in_channels, trained=False)
    else:
        choice = "DEFAULT" if pretrained is True else pretrained
        if name in ("googlenet", "inception_v3"):
            args.pop("aux_logits"), args.pop("init_weights")
        net = _of_a_package(where, name, choice, args) or _fetched(
            where, models.get_model, name, weights=choice, **args
        )
        if name in ("googlenet", "inception_v3"):
            for part in ("aux1", "aux2", "AuxLogits"):
                if hasattr(net, part):
                    setattr(net, part, None)
            net.aux_logits = False  # type: ignore[assignment]
        if in_channels != 3:
            _new_input(net, in_channels, trained=True)
        _new_head(net, classes)
    return net


def timm_net(
    name: str,
    in_channels: int,
    classes: int,
    image_size: Size,
    args: dict[str, Any],
    pretrained: bool | str,
    where: str,
) -> nn.Module:
    """A model of timm. pretrained: True, or the tag of weights. Raises RecipeError as above."""
    ensure()
    import timm

    if isinstance(pretrained, str):
        name = f"{name.partition('.')[0]}.{pretrained}"
    given = {"pretrained": bool(pretrained), "in_chans": in_channels, "num_classes": classes, **args}
    make = _fetched if pretrained else _made
    try:
        net = make(where, timm.create_model, name, **{"img_size": image_size, **given})
    except RecipeError as error:
        if not isinstance(error.__cause__, TypeError) or "img_size" not in str(error.__cause__):
            raise
        net = make(where, timm.create_model, name, **given)  # takes any size: it has no such argument
    return net


def _torchvision_defaults(name: str, image_size: Size, where: str) -> dict[str, Any]:
    """What some models must be told beside the classes."""
    if name.startswith("vit_"):
        patch = int(name.rpartition("_")[2])
        if image_size[0] != image_size[1] or image_size[0] % patch:
            size = f"{image_size[0]}×{image_size[1]}"
            raise RecipeError.of(
                where, say("nn.size-refused", net=name, size=size, patch=patch), say("nn.size-remedy", patch=patch)
            )
        return {"image_size": image_size[0]}
    if name == "maxvit_t":
        return {"input_size": image_size}
    if name in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "init_weights": True, "transform_input": False}
    return {}


def made(where: str, make: Any, name: str, **given: Any) -> nn.Module:
    """A net that another library makes; what its constructor objects to becomes a RecipeError."""
    return _made(where, make, name, **given)


def _made(where: str, make: Any, name: str, **given: Any) -> nn.Module:
    """The net; what its constructor objects to becomes a RecipeError."""
    try:
        with warnings.catch_warnings(), tensors_only():
            warnings.simplefilter("ignore", FutureWarning)
            net: nn.Module = make(name, **given)
    except (TypeError, ValueError, AssertionError, RuntimeError, KeyError) as error:
        reason = str(error) or type(error).__name__
        raise RecipeError.of(where, say("nn.refused", net=name, reason=reason), say("nn.refused-remedy")) from error
    return net


def _fetched(where: str, make: Any, name: str, **given: Any) -> nn.Module:
    """The net with published weights, downloaded where they are not in the cache."""
    try:
        with careful():
            net: nn.Module = make(name, **given)
    except TypeError as error:
        raise RecipeError.of(where, say("nn.refused", net=name, reason=error), say("nn.refused-remedy")) from error
    except Exception as error:  # whatever a download can end in: each library has its own kinds
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise RecipeError.of(
            where, say("nn.no-weights", net=name, reason=reason), say("nn.no-weights-remedy")
        ) from error
    return net


def _of_a_package(where: str, name: str, choice: str, args: dict[str, Any]) -> nn.Module | None:
    """The net with its published weights, where an installed package has brought just this file."""
    from torchvision import models

    weights = getattr(models.get_model_weights(name), choice, None)
    path = published_file(weights.url.rpartition("/")[2]) if weights is not None else None
    if weights is None or path is None or name in ("googlenet", "inception_v3"):
        return None
    net = _made(where, models.get_model, name, weights=None, num_classes=len(weights.meta["categories"]), **args)
    load_weights(net, str(path), where)
    return net


def _new_input(net: nn.Module, channels: int, *, trained: bool) -> None:
    """The first convolution for another number of channels: its trained kernels fitted, or new ones drawn."""
    found = first_convolution(net)
    if found is None:
        return
    name, old = found
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        old.dilation,  # type: ignore[arg-type]
        bias=old.bias is not None,
        padding_mode=old.padding_mode,
    )
    with torch.no_grad():
        if trained:
            new.weight.copy_(fitted(old.weight, channels))
        else:  # as the model draws them, with the variance of its outputs kept
            new.weight.normal_(0, float(old.weight.std()) * math.sqrt(old.in_channels / channels))
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    replace(net, name, new)


def _new_head(net: nn.Module, classes: int) -> None:
    for name in head_of(net):
        old = net.get_submodule(name)
        if isinstance(old, nn.Linear):
            replace(net, name, nn.Linear(old.in_features, classes, old.bias is not None))
        elif isinstance(old, nn.Conv2d):
            replace(net, name, nn.Conv2d(old.in_channels, classes, old.kernel_size))  # type: ignore[arg-type]
            if hasattr(net, "num_classes"):
                net.num_classes = classes  # type: ignore[assignment]
