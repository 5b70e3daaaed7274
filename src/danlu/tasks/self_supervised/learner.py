"""The encoder that is kept, and the head that is learnt beside it and thrown away."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.dataset import Dataset
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.head import head_of
from danlu.nn.weights import replace
from danlu.recipe.schema import Recipe
from danlu.tasks.image_input import image_net


class Learner(nn.Module):
    """``encoder``: normalisation and body, without the body's own head. ``head``: the method's.

    In evaluation it gives {"embedding": (B, D)}, beside what the method's loss needs where the batch has it.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head: nn.Module

    def embed(self, images: Tensor) -> Tensor:
        """uint8 (B, C, H, W) → features (B, D); maps (B, D, h, w) become their mean."""
        features: Tensor = self.encoder(images)
        return features.flatten(2).mean(2) if features.ndim > 2 else features

    def of_views(self, views: Tensor) -> Tensor:
        """(B, V, C, H, W) → (B, V, D)."""
        return self.embed(views.flatten(0, 1)).view(*views.shape[:2], -1)


def encoder(recipe: Recipe, data: Dataset, default: str) -> tuple[nn.Module, int]:
    """The recipe's net without its head, and how many features it gives. default: the net of ``model.name: auto``.

    Raises RecipeError where it has not exactly one head, or the images have no common size.
    """
    size = data.kinds["image"].storage().shape
    if -1 in size:
        raise RecipeError.of(recipe.where("data.image.size"), say("self_supervised.sizes"))
    if recipe.model.name == "auto":
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"name": default})})
    made = image_net(recipe, data, "image", 2)
    heads = head_of(made[1], recipe.where("model.name"))  # type: ignore[index]
    if len(heads) != 1:
        what = say("self_supervised.heads", net=type(made[1]).__name__, heads=", ".join(heads))  # type: ignore[index]
        raise RecipeError.of(recipe.where("model.name"), what)
    replace(made[1], heads[0], nn.Identity())  # type: ignore[index]
    was = made.training
    height, width, channels = size
    with torch.no_grad():
        features: Any = made.eval()(torch.zeros(1, channels, height, width, dtype=torch.uint8))
    made.train(was)
    return made, features.shape[1]
