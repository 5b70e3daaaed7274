"""The net that a recipe names: own, of segmentation-models-pytorch, torchvision or Transformers, or the user's."""

from __future__ import annotations

from torch import nn

from danlu.data.dataset import Dataset
from danlu.recipe import names
from danlu.recipe.schema import Named, Recipe
from danlu.tasks.image_input import normalisation
from danlu.tasks.segmentation.net import Dense, UNet

OWN = ("auto", "unet")


def segmenter(recipe: Recipe, data: Dataset, classes: int) -> nn.Module:
    """uint8 images (B, C, H, W), or padded ones → logits (B, classes, H, W). Raises RecipeError for what can't be made."""
    model = recipe.model
    channels = data.kinds["image"].storage().shape[-1]
    where = recipe.where("model")
    asked = {"activation": model.activation, "norm": model.norm, "dropout": model.dropout}
    asked = {key: value for key, value in asked.items() if value is not None}
    args = {**dict(model.args), **asked}
    body = names.construct(UNet, Named(name="unet", args=args), where, in_channels=channels, classes=classes)
    return Dense(normalisation(recipe, data, "image"), body)
