"""The net that a recipe names: own, of segmentation-models-pytorch, torchvision or Transformers, or the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from danlu._compat.torchvision import ensure
from danlu.data.dataset import Dataset
from danlu.errors import Problem, RecipeError
from danlu.messages import choose
from danlu.nn.build import build_net
from danlu.nn.published import made
from danlu.nn.transformers_net import transformers_net
from danlu.nn.weights import is_file, load_weights
from danlu.recipe import names
from danlu.recipe.published import refuse_unknown
from danlu.recipe.schema import Named, Recipe
from danlu.tasks.image_input import normalisation
from danlu.tasks.segmentation import texts
from danlu.tasks.segmentation.net import Dense, UNet

_ANY = 224  # pixels of a side, told to nets that want to know it where images are of many sizes


def segmenter(recipe: Recipe, data: Dataset, classes: int) -> nn.Module:
    """uint8 images (B, C, H, W), or padded ones → logits (B, classes, H, W). Raises RecipeError for what can't be made."""
    model = recipe.model
    height, width, channels = data.kinds["image"].storage().shape
    size = (height, width) if -1 not in (height, width) else (_ANY, _ANY)
    package, _, name = model.name.partition(":")
    asked: dict[str, Any] = {"activation": model.activation, "norm": model.norm, "dropout": model.dropout}
    asked = {key: value for key, value in asked.items() if value is not None}
    front = normalisation(recipe, data, "image")
    if model.name == "auto":
        chosen = Named(name="unet", args={**dict(model.args), **asked})
        body: nn.Module = names.construct(UNet, chosen, recipe.where("model"), in_channels=channels, classes=classes)
        return Dense(front, _begun(body, recipe))
    if package in ("smp", "torchvision", "hf"):
        return _published(recipe, package, name, channels, classes, size, asked, front)
    if ":" not in model.name:
        what, remedy = choose(texts.CLASSIFIER), choose(texts.CLASSIFIER_REMEDY)
        raise RecipeError.of(recipe.where("model.name"), what.format(name=model.name), remedy)
    if package == "timm":
        what = choose(texts.NO_TIMM).format(name=name)
        raise RecipeError.of(recipe.where("model.name"), what, choose(texts.NO_TIMM_REMEDY).format(name=name))
    body = build_net(
        model.name, channels, classes, size, args=dict(model.args), pretrained=model.pretrained, where=recipe.where("model"),
        **asked,
    )  # fmt: skip
    return Dense(front, body)


def _published(
    recipe: Recipe,
    package: str,
    name: str,
    channels: int,
    classes: int,
    size: tuple[int, int],
    asked: Mapping[str, Any],
    front: nn.Module,
) -> nn.Module:
    """pretrained: the encoder's published weights (smp: their name), or a file; for Transformers all but the head."""
    model, where = recipe.model, recipe.where("model.name")
    if asked:
        key, untaken = next(iter(asked)), choose(texts.UNTAKEN)
        raise RecipeError(
            Problem(recipe.where(f"model.{key}"), untaken.format(net=model.name, key=key), choose(texts.UNTAKEN_REMEDY))
        )
    begin = False if is_file(model.pretrained) else model.pretrained
    args = dict(model.args)
    ensure()
    if package == "hf":
        net: nn.Module = transformers_net(
            name, channels, classes, size, args, model.pretrained, where, recipe.where("model.pretrained"),
            "mask",
        )  # fmt: skip
        return Dense(front, net)
    if package == "smp":
        refuse_unknown("smp", name, where)
        import segmentation_models_pytorch as smp

        given = {"encoder_weights": "imagenet" if begin is True else begin or None, **args}
        net = made(where, _of_class(getattr(smp, name)), name, in_channels=channels, classes=classes, **given)
        stride = int(getattr(getattr(net, "encoder", None), "output_stride", 32))
        return Dense(front, _begun(net, recipe), max(32, stride))
    refuse_unknown("torchvision", name, where, ("segmentation",))
    if channels != 3:
        raise RecipeError.of(where, choose(texts.COLOUR).format(net=model.name), choose(texts.COLOUR_REMEDY))
    from torchvision import models

    weights = "DEFAULT" if begin is True else begin or None
    net = made(where, models.get_model, name, weights=None, weights_backbone=weights, num_classes=classes, **args)
    return Dense(front, _begun(net, recipe))


def _of_class(kind: Any) -> Any:
    def make(name: str, **given: Any) -> nn.Module:
        net: nn.Module = kind(**given)
        return net

    return make


def _begun(net: nn.Module, recipe: Recipe) -> nn.Module:
    """Weights of a file put in."""
    pretrained = recipe.model.pretrained
    if isinstance(pretrained, str) and is_file(pretrained):
        load_weights(net, pretrained, recipe.where("model.pretrained"))
    elif recipe.model.name == "auto" and pretrained:
        where = recipe.where("model.pretrained")
        raise RecipeError.of(where, choose(texts.NONE_PUBLISHED), choose(texts.NONE_PUBLISHED_REMEDY))
    return net
