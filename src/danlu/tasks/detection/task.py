"""Detection: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.metrics.base import Metric
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.detection.assign import AssignBoxes
from danlu.tasks.detection.baseline import AverageBox
from danlu.tasks.detection.errors import SURE, ErrorCounts
from danlu.tasks.detection.matching import match
from danlu.tasks.detection.metrics import AveragePrecision
from danlu.tasks.detection.net import Fcos
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm
from danlu.tasks.explaining import Aim, of_locations
from danlu.tasks.image_input import normalisation
from danlu.training.objective import Objective


class Detection(Task):
    """Boxes with classes; the prediction column ``boxes`` is a list of float32 (n, 6): x1, y1, x2, y2, score, class."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["boxes"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        model = self.recipe.model
        channels = self.data.kinds["image"].storage().shape[-1]
        args = dict(model.args) | {
            key: value for key, value in (("activation", model.activation), ("norm", model.norm)) if value is not None
        }
        body = names.construct(
            Fcos,
            Named(name="fcos", args=args),
            self.recipe.where("model"),
            in_channels=channels,
            classes=len(self.classes),
        )
        return nn.Sequential(normalisation(self.recipe, self.data, "image"), body)

    def transforms(self) -> Sequence[BatchTransform]:
        return (AssignBoxes(),)

    def objective(self) -> Objective:
        return Objective({"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()})

    def metrics(self) -> Sequence[Metric]:
        return (AveragePrecision(len(self.classes)), ErrorCounts())

    def baselines(self) -> Sequence[Baseline]:
        return (AverageBox(len(self.classes), self.recipe.options["max_boxes"]),)

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """Objects that were missed, and the scores of boxes that hit none, at an overlap of .5; boxes that score at least .3 count."""
        pairs = zip(predictions["boxes"], targets["boxes"], strict=True)
        return np.asarray([_faults(np.asarray(found), np.asarray(truth)) for found, truth in pairs], np.float64)

    def explained(self, outputs: Any, asked: str | None = None, beside: Any = None) -> Aim:
        """The class logit of the surest location."""
        found = of_locations(outputs["class"], self.classes, asked)
        return Aim(found.name, lambda given: found.score(given["class"]))

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        """The image with true boxes, and with the predicted ones that score enough beside it."""
        image, boxes = self.data.kinds["image"], self.data.kinds["boxes"]
        picture = image.draw(values["image"])
        assert isinstance(picture, np.ndarray)
        sides = [boxes.draw(values["boxes"], picture.copy())] if "boxes" in values else []
        if predictions is not None:
            rows = np.asarray(predictions["boxes"][index], np.float32)
            rows = rows[rows[:, 4] >= SURE]
            found = np.column_stack([rows[:, :4], rows[:, 5], np.zeros((len(rows), 2), np.float32)])
            sides.append(boxes.draw(found, picture.copy()))
        return np.concatenate([side for side in sides if isinstance(side, np.ndarray)], axis=1) if sides else picture


def _faults(found: np.ndarray, truth: np.ndarray) -> float:
    rows, objects = found.reshape(-1, 6), truth.reshape(-1, 7)
    rows = rows[rows[:, 4] >= SURE]
    order, hit, ignored = match(rows, objects)
    wrong = (hit | ignored) & 1 == 0  # the lowest bit: at the lowest overlap
    missed = int((objects[:, 5] == 0).sum()) - int((hit & 1).sum())
    return missed + float(rows[order][wrong, 4].sum())
