"""What applications whose answer is a set of labels share, whatever they look at: loss, metrics, faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.metrics.multi_label import MultiLabel as Figures
from danlu.nn.terms.base import Term
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.training.objective import Objective

_HEAVIEST = 100.0  # weight of a yes of the rarest label


class LabelSets(Task):
    """Any number of labels for each sample; prediction columns ``probability`` float32 (B, K) and ``labels`` uint8 (B, K)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["labels"].classes)  # type: ignore[attr-defined]

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        return Objective({loss.name: self.term()})

    def term(self) -> Term:
        """The recipe's loss. Raises RecipeError for weights that are not as many as the labels, and for a focal one with weights."""
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        context: dict[str, Any] = {"target": "labels"}
        if loss.name == "focal":
            context["classes"] = "independent"
        if self.recipe.data.balance == "class-weights":
            if loss.name == "focal":
                raise RecipeError.of(self.recipe.where("data.balance"), say("labels.focal"), say("labels.focal.remedy"))
            context["pos_weight"] = pos_weight(self.data.statistics["labels"])
        given = loss.args.get("pos_weight")
        if isinstance(given, Sequence) and len(given) != len(self.classes):
            what = say("labels.weights", given=len(given), classes=len(self.classes))
            raise RecipeError.of(self.recipe.where("train.loss.pos_weight"), what, say("labels.weights.remedy"))
        made: Term = names.build("loss", loss, self.recipe.where("train.loss"), **context)
        return made

    def metrics(self) -> Sequence[Metric]:
        return (Figures(len(self.classes)),)

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """Each sample's binary cross entropy, summed over labels; 0 where every label is decided rightly."""
        probability = np.asarray(predictions["probability"], np.float64)
        true = np.asarray(targets["labels"]) > 0
        given = np.clip(np.where(true, probability, 1 - probability), 1e-7, 1.0)
        wrong = (np.asarray(predictions["labels"]) > 0) != true
        return np.where(wrong.any(1), -np.log(given).sum(1), 0.0)


def pos_weight(statistics: Mapping[str, Any]) -> tuple[float, ...]:
    """no / yes over training rows, between 1/100 and 100: a label's yes and no then weigh the same in the whole.

    statistics: ``counts`` of each label, and ``rows``.
    """
    yes = np.maximum(np.asarray(statistics["counts"], np.float64), 1)
    found = np.clip((statistics["rows"] - yes) / yes, 1 / _HEAVIEST, _HEAVIEST)
    return tuple(float(weight) for weight in found)
