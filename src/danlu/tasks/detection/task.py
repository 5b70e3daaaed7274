"""Detection: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.errors import ArtifactError
from danlu.messages import choose
from danlu.metrics.base import Metric
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.decoding import Decoder
from danlu.tasks.detection import texts
from danlu.tasks.detection.baseline import AverageBox
from danlu.tasks.detection.decoder import BoxDecoder
from danlu.tasks.detection.errors import SURE, ErrorCounts
from danlu.tasks.detection.matching import match
from danlu.tasks.detection.metrics import AveragePrecision
from danlu.tasks.detection.nets import Chosen, choose_detector
from danlu.tasks.explaining import Aim, of_locations
from danlu.training.objective import Objective


class Detection(Task):
    """Boxes with classes; the prediction column ``boxes`` is a list of float32 (n, 6): x1, y1, x2, y2, score, class."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["boxes"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return self._chosen.net()

    @cached_property
    def _chosen(self) -> Chosen:
        return choose_detector(self.recipe, self.data, len(self.classes))

    def transforms(self) -> Sequence[BatchTransform]:
        return (self._chosen.transform,)

    def objective(self) -> Objective:
        return Objective(self._chosen.terms())

    def decoder(self) -> Decoder:
        options = self.recipe.options
        return BoxDecoder(
            self.classes, options["min_score"], options["overlap"], options["max_boxes"], self._chosen.form
        )

    def refuse_export(self) -> None:
        if not self._chosen.exports:
            name = self.recipe.model.name
            raise ArtifactError.of(name, choose(texts.NO_GRAPH).format(net=name), choose(texts.NO_GRAPH_REMEDY))

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
        if "class" not in outputs:
            raise TypeError(choose(texts.NOTHING_EXPLAINED).format(net=self.recipe.model.name))
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
