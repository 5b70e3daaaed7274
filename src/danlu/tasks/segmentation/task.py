"""Segmentation: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.data.kinds.mask import IGNORED
from danlu.metrics.base import Metric
from danlu.metrics.overlap import Overlap, confusion
from danlu.nn.terms.base import Term
from danlu.nn.terms.dice import Dice
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.explaining import Aim, of_masks
from danlu.tasks.segmentation.baselines import MostFrequent, PixelColour
from danlu.tasks.segmentation.nets import segmenter
from danlu.tasks.segmentation.pixels import LabelPixels
from danlu.training.objective import Objective


class Segmentation(Task):
    """One class for each pixel; the prediction column ``mask`` is uint8 (B, H, W), or a list of B (h, w)."""

    drawn_faults = True

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["mask"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return segmenter(self.recipe, self.data, len(self.classes))

    def transforms(self) -> Sequence[BatchTransform]:
        return (LabelPixels(),)

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="cross-entropy")
        options = self.recipe.options
        terms: dict[str, Term] = {
            loss.name: names.build("loss", loss, self.recipe.where("train.loss"), target="pixels")
        }
        if options["dice"] and loss.name != "dice":
            terms["dice"] = Dice("pixels", over=options["dice_over"])
            return Objective(terms, {"dice": options["dice"]})
        return Objective(terms)

    def metrics(self) -> Sequence[Metric]:
        return (Overlap(self.classes),)

    def baselines(self) -> Sequence[Baseline]:
        return (MostFrequent(len(self.classes)), PixelColour(len(self.classes)))

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """100·(1 - mean IoU) of each image, over the classes that are in its truth or its prediction."""
        pairs = zip(predictions["mask"], targets["mask"], strict=True)
        return np.asarray([self._fault(np.asarray(found), np.asarray(truth)) for found, truth in pairs], np.float64)

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        """The image; beside it under its true mask, and under the predicted one."""
        image, mask = self.data.kinds["image"], self.data.kinds["mask"]
        picture = image.draw(values["image"])
        assert isinstance(picture, np.ndarray)
        sides = [picture]
        if "mask" in values:
            sides.append(np.asarray(mask.draw(np.asarray(values["mask"]), picture)))
        if predictions is not None:
            found = np.asarray(predictions["mask"][index])
            if "mask" in values:
                found = np.where(np.asarray(values["mask"]) == IGNORED, IGNORED, found)
            sides.append(np.asarray(mask.draw(found, picture)))
        return np.concatenate(sides, axis=1)

    def explained(self, outputs: Any, asked: str | None = None, beside: Any = None) -> Aim:
        return of_masks(outputs, self.classes, asked)

    def _fault(self, found: np.ndarray, truth: np.ndarray) -> float:
        matrix = confusion(found, truth, len(self.classes))
        hits, either = np.diagonal(matrix), matrix.sum(0) + matrix.sum(1) - np.diagonal(matrix)
        there = either > 0
        return 100 * (1 - float((hits[there] / either[there]).mean())) if there.any() else 0.0
