"""COCO's average precision and recall, from a state of fourteen bytes a box."""

from __future__ import annotations

import math
from zlib import crc32

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.tasks.detection.matching import OVERLAPS, match

_BOX = np.dtype([("kind", "<u2"), ("score", "<f4"), ("hit", "<u2"), ("ignored", "<u2"), ("image", "<u4")])
_RECALLS = np.linspace(0.0, 1.0, 101)
_PIECES = 256


class AveragePrecision(Metric):
    """ "ap" (IoU .50:.95), "ap50", "ap75", "ar" (100 boxes an image) over all images; crowds count as COCO has them.

    The same numbers as pycocotools'. Every image is matched when it comes, and neither it nor its objects are kept: 14 bytes for each
    box found (class, score, at which overlaps it hit, its image's key) and 8 for each class. Boxes of equal score count in the order of
    their images' keys, so that the order in which images come plays no role (with pycocotools it does, where scores are equal). At most
    100 boxes of a class count in an image.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._objects = np.zeros(classes, np.int64)
        self._boxes: list[np.ndarray] = []
        self._fresh: list[np.ndarray] = []  # of the last few images

    def update(self, predictions: Columns, targets: Columns) -> None:
        for found, truth in zip(predictions["boxes"], targets["boxes"], strict=True):
            rows, objects = np.asarray(found).reshape(-1, 6), np.asarray(truth).reshape(-1, 7)
            single = objects[objects[:, 5] == 0, 4].astype(np.int64)
            self._objects += np.bincount(single, minlength=self.classes)
            order, hit, ignored = match(rows, objects)
            boxes = np.empty(len(order), _BOX)
            boxes["kind"], boxes["score"] = rows[order, 5], rows[order, 4]
            boxes["hit"], boxes["ignored"] = hit, ignored
            boxes["image"] = key_of(rows, objects)
            self._fresh.append(boxes)
        if len(self._fresh) > _PIECES:
            self._gather()

    def merge(self, other: AveragePrecision) -> None:
        if other.classes != self.classes:
            raise ValueError(f"{other.classes} classes can't be merged into {self.classes}")
        self._objects += other._objects
        other._gather()
        self._gather()
        self._boxes += other._boxes

    def compute(self) -> dict[str, float]:
        """NaN where there is no object that counts."""
        known = np.flatnonzero(self._objects)
        if not len(known):
            return dict.fromkeys(("ap", "ap50", "ap75", "ar"), math.nan)
        self._gather()
        boxes = np.concatenate(self._boxes) if self._boxes else np.empty(0, _BOX)
        curves = [_curves(boxes[boxes["kind"] == kind], int(self._objects[kind])) for kind in known]
        precision = np.stack([curve for curve, _ in curves])
        recall = np.stack([reached for _, reached in curves])
        at50, at75 = (int(np.argmin(np.abs(OVERLAPS - level))) for level in (0.5, 0.75))
        values = {"ap": precision, "ap50": precision[:, at50], "ap75": precision[:, at75], "ar": recall}
        return {name: float(value.mean()) for name, value in values.items()}

    def _gather(self) -> None:
        if self._fresh:
            self._boxes.append(np.concatenate(self._fresh))
            self._fresh = []


def key_of(found: np.ndarray, truth: np.ndarray) -> int:
    """An image's place among others, by what was found and is true in it."""
    return crc32(np.asarray(found, "<f4").tobytes(), crc32(np.asarray(truth, "<f4").tobytes()))


def _curves(boxes: np.ndarray, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """(precision (T, 101) at COCO's recalls, never rising; recall reached (T,)) of one class."""
    boxes = boxes[np.lexsort((boxes["image"], -boxes["score"]))]  # within an image as they were matched
    precision, reached = np.zeros((len(OVERLAPS), len(_RECALLS))), np.zeros(len(OVERLAPS))
    for level in range(len(OVERLAPS)):
        hit, ignored = (boxes[name] >> level & 1 == 1 for name in ("hit", "ignored"))
        right = np.cumsum(hit[~ignored])
        if not len(right):
            continue
        recall = right / objects
        share = right / (np.arange(1, len(right) + 1) + np.spacing(1))
        share = np.maximum.accumulate(share[::-1])[::-1]
        places = np.searchsorted(recall, _RECALLS, side="left")
        there = places < len(share)
        precision[level, there] = share[places[there]]
        reached[level] = recall[-1]
    return precision, reached
