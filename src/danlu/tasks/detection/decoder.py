"""Scores and distances → boxes with names, in the pixels of the image that came in. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.tasks.decoding import Decoder, Given
from danlu.tasks.detection.anchors import Form
from danlu.tasks.detection.decode import detections
from danlu.tasks.detection.reading import read


class BoxDecoder(Decoder):
    """A net's outputs → ``boxes``: for each image float32 (n, 6): x1, y1, x2, y2, score, class.

    form: how they are read, see :mod:`danlu.tasks.detection.reading`; None: as those of :class:`danlu.tasks.detection.net.Fcos`.
    min_score in [0, 1): weaker boxes are left out. overlap in (0, 1]: IoU above which the weaker of two boxes of a class is dropped.
    """

    def __init__(
        self, classes: Sequence[str], min_score: float, overlap: float, max_boxes: int, form: Form | None = None
    ) -> None:
        self.classes = tuple(classes)
        self.min_score, self.overlap, self.max_boxes = min_score, overlap, max_boxes
        self.form = form

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        classes: tuple[str, ...] = kinds["boxes"].classes  # type: ignore[attr-defined]
        return cls(classes, options["min_score"], options["overlap"], options["max_boxes"])

    def spec(self) -> dict[str, Any]:
        made = {
            "classes": list(self.classes),
            "min_score": self.min_score,
            "overlap": self.overlap,
            "max_boxes": self.max_boxes,
        }
        return made if self.form is None else made | {"form": dict(self.form)}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        values, sizes = inputs["image"]
        height, width = values.shape[2:]
        limits = (self.min_score, self.overlap, self.max_boxes)
        if self.form is not None:
            return {"boxes": read(self.form, outputs, (height, width), sizes, *limits)}
        return {"boxes": detections(outputs, (height, width), sizes, *limits)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"boxes": [{"label", "score", "box": [x1, y1, x2, y2]}]} in pixels of the image that was given."""
        rows = np.asarray(predictions["boxes"][index], np.float64)
        corners = rows[:, :4]
        if framing is not None:
            corners = (corners - np.tile(framing.shift, 2)) / np.tile(framing.scale, 2)
        return {
            "boxes": [
                {
                    "label": self.classes[int(row[5])],
                    "score": round(float(row[4]), 6),
                    "box": [round(float(c), 2) for c in box],
                }
                for row, box in zip(rows, corners, strict=True)
            ]
        }
