"""Multi-label classification of tables: net, objective, metric, baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.metrics.base import Metric
from danlu.metrics.multi_label import MultiLabel as Figures
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.labels import Frequent, OneVsRest
from danlu.tasks.tables.members import EachMember
from danlu.tasks.tables.net import table_net
from danlu.training.objective import Objective


class TableMultiLabel(Task):
    """Any number of labels for each row; prediction columns ``probability`` float32 (B, K) and ``labels`` uint8 (B, K)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["labels"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return table_net(self.recipe, self.data, len(self.classes))

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        context: dict[str, Any] = {"target": "labels"}
        if loss.name == "focal":
            context["classes"] = "independent"
        term = names.build("loss", loss, self.recipe.where("train.loss"), **context)
        return Objective({loss.name: EachMember(term)})

    def metrics(self) -> Sequence[Metric]:
        return (Figures(len(self.classes)),)

    def baselines(self) -> Sequence[Baseline]:
        tuned = self.recipe.evaluate.thresholds
        return (Frequent("labels", len(self.classes)), OneVsRest("labels", len(self.classes), tuned))

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """Each row's binary cross entropy, summed over labels; 0 where every label is decided rightly."""
        probability = np.asarray(predictions["probability"], np.float64)
        true = np.asarray(targets["labels"]) > 0
        given = np.clip(np.where(true, probability, 1 - probability), 1e-7, 1.0)
        wrong = (np.asarray(predictions["labels"]) > 0) != true
        return np.where(wrong.any(1), -np.log(given).sum(1), 0.0)
