"""How well masks overlap: IoU, Dice and accuracy of pixels, all from one confusion matrix over the whole set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.bootstrap import Figure, Weighted, interval

_EACH = 4096  # images whose counts are kept one by one; of more, each of so many groups of them
_DRAWS = 500


class Overlap(Metric):
    """ "miou", "dice": means over the classes that occur; "pixel-accuracy"; "iou/CLASS" and "dice/CLASS".

    Rows of the matrix are true classes, columns predicted ones; pixels whose truth is ``ignore`` are in none. A class that is in
    neither truth nor prediction has no IoU (NaN) and is in no mean, as with torchmetrics and mmsegmentation; one that was predicted but
    never true has 0. Dice is 2·TP / (2·TP + FP + FN), the F1 of pixels.

    Intervals come from the bootstrap over images (BCa): pixels of one image are no independent samples. Of more than 4,096 images
    groups are drawn, into which they fall by their truth; memory is 24 bytes a class for each, and the matrix.
    """

    sums = True

    def __init__(
        self, classes: Sequence[str], prediction: str = "mask", target: str = "mask", ignore: int = 255
    ) -> None:
        self.classes = tuple(classes)
        self.prediction, self.target, self.ignore = prediction, target, ignore
        self.matrix = np.zeros((len(self.classes), len(self.classes)), np.int64)
        self._keys = np.empty(0, np.int64)
        self._images = np.empty((0, 3 * len(self.classes)), np.int64)  # TP, predicted, true of each class
        self._fresh: list[tuple[int, np.ndarray]] = []

    def update(self, predictions: Columns, targets: Columns) -> None:
        for found, truth in zip(predictions[self.prediction], targets[self.target], strict=True):
            true = np.asarray(truth)
            matrix = confusion(np.asarray(found), true, len(self.classes), self.ignore)
            self.matrix += matrix
            row = np.concatenate([np.diagonal(matrix), matrix.sum(0), matrix.sum(1)])
            self._fresh.append((crc32(np.ascontiguousarray(true).tobytes()), row))
        if len(self._fresh) > _EACH:
            self._gather()

    def merge(self, other: Overlap) -> None:
        if other.classes != self.classes:
            raise ValueError(f"{len(other.classes)} classes can't be merged into {len(self.classes)}")
        other._gather()
        self._gather()
        self.matrix += other.matrix
        self._add(other._keys, other._images)

    def compute(self) -> dict[str, float]:
        hits, predicted, true = np.diagonal(self.matrix), self.matrix.sum(0), self.matrix.sum(1)
        iou, dice = _shares(hits, predicted + true - hits), _shares(2 * hits, predicted + true)
        total = int(true.sum())
        values = {
            "miou": _mean(iou),
            "dice": _mean(dice),
            "pixel-accuracy": float(hits.sum() / total) if total else math.nan,
        }
        values |= {f"iou/{name}": float(value) for name, value in zip(self.classes, iou, strict=True)}
        return values | {f"dice/{name}": float(value) for name, value in zip(self.classes, dice, strict=True)}

    def intervals(self, confidence: float) -> dict[str, tuple[float, float]]:
        self._gather()
        count = len(self.classes)
        rows = self._images.astype(np.float64)
        figures = {name: Figure(rows, _of(name, count)) for name in ("miou", "dice", "pixel-accuracy")}
        figures |= {
            f"iou/{name}": Figure(rows[:, [place, count + place, 2 * count + place]], _of("miou", 1))
            for place, name in enumerate(self.classes)
        }
        return {name: interval(figure, confidence, draws=_DRAWS) for name, figure in figures.items()}

    def _gather(self) -> None:
        if self._fresh:
            keys, rows = zip(*self._fresh, strict=True)
            self._fresh = []
            self._add(np.asarray(keys, np.int64), np.stack(rows))

    def _add(self, keys: np.ndarray, rows: np.ndarray) -> None:
        keys, rows = np.concatenate([self._keys, keys]), np.concatenate([self._images, rows])
        order = np.lexsort((*rows.T[::-1], keys))  # in whatever order they came
        keys, rows = keys[order], rows[order]
        if len(keys) > _EACH:
            keys = keys % _EACH
            found, place = np.unique(keys, return_inverse=True)
            sums = np.zeros((len(found), rows.shape[1]), np.int64)
            np.add.at(sums, place, rows)
            keys, rows = found, sums
        self._keys, self._images = keys, rows


def confusion(found: np.ndarray, true: np.ndarray, classes: int, ignore: int = 255) -> np.ndarray:
    """int64 (K, K): pixels by true and by predicted class; those whose truth is ``ignore`` left out. Both of one shape, below K."""
    if found.shape != true.shape:
        raise ValueError(f"a prediction of shape {found.shape} beside a truth of {true.shape}")
    kept = true != ignore
    cells = true[kept].astype(np.int64) * classes + found[kept]
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _of(name: str, classes: int) -> Weighted:
    """A figure of weighted images: features are TP, predicted and true pixels of each class."""

    def of(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
        sums = weights @ features
        hits, predicted, true = (sums[:, part * classes : (part + 1) * classes] for part in range(3))
        if name == "pixel-accuracy":
            return _shares(hits.sum(1), true.sum(1))
        share = _shares(hits, predicted + true - hits) if name == "miou" else _shares(2 * hits, predicted + true)
        there = ~np.isnan(share)
        return _shares(np.where(there, share, 0.0).sum(1), there.sum(1))

    return of


def _shares(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    made: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) > 0)
    return made


def _mean(values: np.ndarray) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else math.nan
