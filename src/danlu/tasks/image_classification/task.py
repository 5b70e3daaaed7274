"""Image classification: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.metrics.base import Metric
from danlu.metrics.classification import Classification
from danlu.tasks.base import Task
from danlu.tasks.class_loss import class_objective
from danlu.tasks.image_input import image_net
from danlu.training.objective import Objective


class ImageClassification(Task):
    """One label for each image; prediction columns ``probability`` float32 (B, K) and ``label`` int64 (B,)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["label"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return image_net(self.recipe, self.data, "image", len(self.classes))

    def objective(self) -> Objective:
        return class_objective(self.recipe, self.data.statistics, "label", self.classes)

    def metrics(self) -> Sequence[Metric]:
        return (Classification(len(self.classes), prediction="probability", target="label"),)

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None
