"""The weights that a run's test, evaluation and predictions use: one place decides."""

from __future__ import annotations

from torch import Tensor

from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.folder import RunFolder
from danlu.training import checkpoint


def replaced(recipe: Recipe) -> Recipe:
    """The recipe for a net whose every weight comes from the run: published ones need not be had (offline, elsewhere)."""
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"pretrained": False})})


def chosen(folder: RunFolder, recipe: Recipe) -> dict[str, Tensor]:
    """The best weights, or the last (averaged where EMA is on) as ``evaluate.weights`` says. Raises RunError where there are none."""
    if recipe.evaluate.weights == "best" and checkpoint.put_back(folder.best).is_dir():
        return dict(checkpoint.load(folder.best).tensors["net"])
    saved = checkpoint.listed(folder.checkpoints)
    if not saved:
        path = folder.path
        raise RunError.of(str(path), say("runs.no-weights"), say("runs.no-weights.remedy", path=path))
    tensors = checkpoint.load(saved[-1]).tensors
    return dict(tensors.get("ema", tensors["net"]))
