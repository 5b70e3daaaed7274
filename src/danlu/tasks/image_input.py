"""What applications with images as input share: a net of the recipe's name with normalisation in front of it."""

from __future__ import annotations

from torch import nn

from danlu.data.dataset import Dataset
from danlu.nn.build import build_net
from danlu.nn.normalise import Normalise
from danlu.nn.views import Viewed
from danlu.recipe.schema import Recipe


def normalisation(recipe: Recipe, data: Dataset, column: str) -> Normalise:
    """uint8 images → what the net sees: by the training rows' statistics, or 0–255 → 0–1 where none are wanted."""
    if recipe.data.normalize == "none":
        return Normalise(0.0, 255.0)
    return Normalise.of(data.statistics[column], recipe.data.normalize)


def image_net(recipe: Recipe, data: Dataset, column: str, outputs: int) -> nn.Module:
    """(B, C, H, W) uint8 → (B, outputs): the recipe's net behind its normalisation; in evaluation averaged over its views."""
    height, width, channels = data.kinds[column].storage().shape
    model = recipe.model
    body = build_net(
        model.name,
        channels,
        outputs,
        (height, width),
        activation=model.activation,
        norm=model.norm,
        dropout=model.dropout,
        drop_path=model.drop_path,
        args=dict(model.args),
        pretrained=model.pretrained,
        where=recipe.where("model"),
    )
    return Viewed(normalisation(recipe, data, column), body, views=recipe.evaluate.views)
