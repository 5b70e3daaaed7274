"""Text classification: net, objective, metrics."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.metrics.base import Metric
from danlu.metrics.classification import Classification
from danlu.tasks.base import Task
from danlu.tasks.class_loss import class_objective
from danlu.tasks.text_input import text_net
from danlu.training.objective import Objective


class TextClassification(Task):
    """One label for each text; prediction columns ``probability`` float32 (B, K) and ``label`` int64 (B,)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["label"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return text_net(self.recipe, self.data, "text", len(self.classes), labels="label")

    def objective(self) -> Objective:
        return class_objective(self.recipe, self.data.statistics, "label", self.classes)

    def metrics(self) -> Sequence[Metric]:
        return (Classification(len(self.classes), prediction="probability", target="label"),)
