"""COCO's average precision and recall, from a state of 27 bytes a box."""

from __future__ import annotations

import math
from zlib import crc32

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.tasks.detection.matching import OVERLAPS, RANGES, match_by_size

_SIZES = len(RANGES)
_BOX = np.dtype(
    [
        ("kind", "<u2"),
        ("score", "<f4"),
        ("rank", "<u1"),
        ("hit", "<u2", (_SIZES,)),
        ("ignored", "<u2", (_SIZES,)),
        ("image", "<u4"),
    ]
)
_RECALLS = np.linspace(0.0, 1.0, 101)
_PIECES = 256
_FEW = (1, 10)  # boxes of a class in an image, for "ar1" and "ar10"


class AveragePrecision(Metric):
    """ "ap" (IoU .50:.95), "ap50", "ap75", "ar" (100 boxes an image), "ar1", "ar10" over all images; crowds count as COCO has them.

    Where there are objects of that size, also "ap-small", "ap-medium", "ap-large" and the same of "ar": below 32², to 96², above, in
    pixels² of prepared images. The same numbers as pycocotools'. Every image is matched when it comes, and neither it nor its
    objects are kept: 27 bytes for each box found (class, score, rank, at which overlaps it hit or is ignored by size, its image's
    key) and 32 for each class. Boxes of equal score count in the order of their images' keys, so that the order in which images come
    plays no role (with pycocotools it does, where scores are equal). At most 100 boxes of a class count in an image.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._objects = np.zeros((_SIZES, classes), np.int64)
        self._boxes: list[np.ndarray] = []
        self._fresh: list[np.ndarray] = []  # of the last few images

    def update(self, predictions: Columns, targets: Columns) -> None:
        for found, truth in zip(predictions["boxes"], targets["boxes"], strict=True):
            rows, objects = np.asarray(found).reshape(-1, 6), np.asarray(truth).reshape(-1, 7)
            single = objects[objects[:, 5] == 0]
            for place, (least, most) in enumerate(RANGES.values()):
                inside = (single[:, 6] >= least) & (single[:, 6] <= most)
                self._objects[place] += np.bincount(single[inside, 4].astype(np.int64), minlength=self.classes)
            order, rank, hit, ignored = match_by_size(rows, objects)
            boxes = np.empty(len(order), _BOX)
            boxes["kind"], boxes["score"], boxes["rank"] = rows[order, 5], rows[order, 4], rank
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
        """NaN where there is no object that counts; sizes that no object has are left out."""
        boxes = self._ordered()
        precision, recall = self._of_range(boxes, 0)
        at50, at75 = (int(np.argmin(np.abs(OVERLAPS - level))) for level in (0.5, 0.75))
        values = {
            "ap": _mean(precision),
            "ap50": _mean(precision[:, at50]),
            "ap75": _mean(precision[:, at75]),
            "ar": _mean(recall),
        }
        for few in _FEW:
            values[f"ar{few}"] = _mean(self._of_range(boxes[boxes["rank"] < few], 0)[1])
        for place, name in enumerate(RANGES):
            if place and self._objects[place].any():
                precision, recall = self._of_range(boxes, place)
                values |= {f"ap-{name}": _mean(precision), f"ar-{name}": _mean(recall)}
        return values

    def per_class(self) -> dict[str, np.ndarray]:
        """float64 (classes,): "ap", "ap50" and "ar" of each, NaN where it has no object; int64 "objects"."""
        precision, recall = self._of_range(self._ordered(), 0)
        known = np.flatnonzero(self._objects[0])
        found = {}
        for name, values in (("ap", precision.mean((1, 2))), ("ap50", precision[:, 0].mean(1)), ("ar", recall.mean(1))):
            found[name] = np.full(self.classes, np.nan)
            found[name][known] = values
        return {**found, "objects": self._objects[0].copy()}

    def _of_range(self, boxes: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
        """(precision (K, T, 101), recall (K, T)) of the K classes that have objects of a size."""
        objects = self._objects[place]
        curves = [_curves(boxes[boxes["kind"] == kind], int(objects[kind]), place) for kind in np.flatnonzero(objects)]
        if not curves:
            return np.empty((0, len(OVERLAPS), len(_RECALLS))), np.empty((0, len(OVERLAPS)))
        return np.stack([curve for curve, _ in curves]), np.stack([reached for _, reached in curves])

    def _ordered(self) -> np.ndarray:
        """All boxes, the best first, those of an image as they were matched."""
        self._gather()
        boxes = np.concatenate(self._boxes) if self._boxes else np.empty(0, _BOX)
        return boxes[np.lexsort((boxes["image"], -boxes["score"]))]

    def _gather(self) -> None:
        if self._fresh:
            self._boxes.append(np.concatenate(self._fresh))
            self._fresh = []


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def key_of(found: np.ndarray, truth: np.ndarray) -> int:
    """An image's place among others, by what was found and is true in it."""
    return crc32(np.asarray(found, "<f4").tobytes(), crc32(np.asarray(truth, "<f4").tobytes()))


def _curves(boxes: np.ndarray, objects: int, place: int) -> tuple[np.ndarray, np.ndarray]:
    """(precision (T, 101) at COCO's recalls, never rising; recall reached (T,)) of one class and size. boxes: best first."""
    precision, reached = np.zeros((len(OVERLAPS), len(_RECALLS))), np.zeros(len(OVERLAPS))
    for level in range(len(OVERLAPS)):
        hit, ignored = (boxes[name][:, place] >> level & 1 == 1 for name in ("hit", "ignored"))
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
