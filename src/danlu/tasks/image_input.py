"""What applications with images as input share: a net of the recipe's name with normalisation in front of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.dataset import Dataset
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.build import build_net
from danlu.nn.normalise import Normalise
from danlu.nn.views import Viewed
from danlu.recipe.schema import Recipe

FITTED = 1000  # training images, at most, from which a net may compute its first filters


def normalisation(recipe: Recipe, data: Dataset, column: str) -> Normalise:
    """uint8 images → what the net sees: by the training rows' statistics, or 0–255 → 0–1 where none are wanted."""
    if recipe.data.normalize == "none":
        return Normalise(0.0, 255.0)
    return Normalise.of(data.statistics[column], recipe.data.normalize)


def image_net(recipe: Recipe, data: Dataset, column: str, outputs: int) -> nn.Module:
    """(B, C, H, W) uint8 → (B, outputs): the recipe's net behind its normalisation; in evaluation averaged over its views.

    A net with a method ``fit_images`` is given training images as it will see them; what it computes from them is saved with it.
    Raises RecipeError where they are too small for the views.
    """
    height, width, channels = data.kinds[column].storage().shape
    model = recipe.model
    if "shift" in recipe.evaluate.views and min(height, width) < 2:
        what = say("nn.one-pixel", size=f"{height}×{width}")
        raise RecipeError.of(recipe.where("evaluate.views"), what, say("nn.one-pixel-remedy"))
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
    front = normalisation(recipe, data, column)
    fit: Callable[[Tensor], None] | None = getattr(body, "fit_images", None)
    if fit is not None and not model.pretrained:
        rows = data.parts.get("train", np.empty(0, np.int64))
        some = rows[np.unique(np.linspace(0, len(rows) - 1, FITTED).astype(np.int64))] if len(rows) else rows
        if len(some):
            with torch.no_grad():
                fit(front(data.gather(some)[column]))
    return Viewed(front, body, views=recipe.evaluate.views)
