"""What classifications share, whatever they look at: a loss over exclusive classes, and how rare ones are helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe import names
from danlu.recipe.schema import Named, Recipe
from danlu.training.objective import Objective


def class_objective(
    recipe: Recipe, statistics: Mapping[str, Mapping[str, Any]], target: str, classes: Sequence[str]
) -> Objective:
    """The recipe's loss for the column ``target``, with the weights or offsets that ``data.balance`` asks for.

    Raises RecipeError where numbers for each class are given, and they are not as many as there are classes.
    """
    loss = recipe.train.loss or Named(name="cross-entropy")
    counts = np.asarray(statistics[target]["counts"])
    context: dict[str, Any] = {"target": target}
    if recipe.data.balance == "class-weights":
        context["class_weights"] = class_weights(counts)
    if recipe.data.balance == "logit-adjustment":
        context["logit_offsets"] = log_shares(counts)
    for key, text in (("class_weights", "class-weights"), ("logit_offsets", "logit-offsets")):
        given = loss.args.get(key)
        if given is not None and len(given) != len(classes):
            few = ", ".join(classes[:5]) + (", …" if len(classes) > 5 else "")
            what = say(f"nn.{text}", given=len(given), classes=len(classes), names=few)
            raise RecipeError.of(recipe.where(f"train.loss.{key}"), what, say(f"nn.{text}.remedy"))
    return Objective({loss.name: names.build("loss", loss, recipe.where("train.loss"), **context)})


def class_weights(counts: np.ndarray) -> tuple[float, ...]:
    """n / (K·n_c) over training rows: scikit-learn's "balanced"."""
    return tuple(float(w) for w in counts.sum() / (len(counts) * np.maximum(counts, 1)))


def log_shares(counts: np.ndarray) -> tuple[float, ...]:
    """log(n_c / n) over training rows: τ = 1 of Menon et al. (2021). A class without rows counts as one of a single row."""
    return tuple(float(share) for share in np.log(np.maximum(counts, 1) / counts.sum()))
