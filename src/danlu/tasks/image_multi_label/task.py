"""Multi-label image classification: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.metrics.multi_label import MultiLabel as Figures
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.features import suit
from danlu.tasks.baselines.labels import Frequent, OneVsRest
from danlu.tasks.image_input import image_net
from danlu.training.objective import Objective

_HEAVIEST = 100.0  # weight of a yes of the rarest label


class MultiLabel(Task):
    """Any number of labels for each image; prediction columns ``probability`` float32 (B, K) and ``labels`` uint8 (B, K)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["labels"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return image_net(self.recipe, self.data, "image", len(self.classes))

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        context: dict[str, Any] = {"target": "labels"}
        if loss.name == "focal":
            context["classes"] = "independent"
        if self.recipe.data.balance == "class-weights":
            weights = self._pos_weight()
            if loss.name == "focal":
                raise RecipeError.of(self.recipe.where("data.balance"), say("labels.focal"), say("labels.focal.remedy"))
            context["pos_weight"] = weights
        given = loss.args.get("pos_weight")
        if isinstance(given, Sequence) and len(given) != len(self.classes):
            what = say("labels.weights", given=len(given), classes=len(self.classes))
            raise RecipeError.of(self.recipe.where("train.loss.pos_weight"), what, say("labels.weights.remedy"))
        return Objective({loss.name: names.build("loss", loss, self.recipe.where("train.loss"), **context)})

    def metrics(self) -> Sequence[Metric]:
        return (Figures(len(self.classes)),)

    def baselines(self) -> Sequence[Baseline]:
        """The most frequent labels; one-versus-rest logistic regression, whose thresholds are tuned where the net's are."""
        tuned = self.recipe.evaluate.thresholds
        found: list[Baseline] = [Frequent("labels", len(self.classes))]
        if suit(self.data.kinds, self.data.inputs):
            found.append(OneVsRest("labels", len(self.classes), tuned))
        return found

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """Each sample's binary cross entropy, summed over labels; 0 where every label is decided rightly."""
        probability = np.asarray(predictions["probability"], np.float64)
        true = np.asarray(targets["labels"]) > 0
        given = np.clip(np.where(true, probability, 1 - probability), 1e-7, 1.0)
        wrong = (np.asarray(predictions["labels"]) > 0) != true
        return np.where(wrong.any(1), -np.log(given).sum(1), 0.0)

    def _pos_weight(self) -> tuple[float, ...]:
        """no / yes over training rows, at most 100: a label's yes and no then weigh the same in the whole."""
        found = self.data.statistics["labels"]
        yes = np.maximum(np.asarray(found["counts"], np.float64), 1)
        return tuple(float(weight) for weight in np.clip((found["rows"] - yes) / yes, 1 / _HEAVIEST, _HEAVIEST))
