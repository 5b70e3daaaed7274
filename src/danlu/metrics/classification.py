"""Metrics of exclusive classes, all from states that merge exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from danlu.metrics.auc import AUC
from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, resampled, wilson
from danlu.metrics.moments import Moments


class Classification(Metric):
    """accuracy, balanced-accuracy, macro-f1, log-loss; top5 for more than 5 classes; auc for 2.

    classes: K. prediction: column of probabilities (B, K). target: column of labels (B,); negative ones are ignored.
    The predicted class is the most probable one, of equals the first; likewise for top5.

    Absent classes as in scikit-learn: macro-f1 averages over classes that are true or predicted anywhere, an undefined
    precision or recall counting 0; balanced-accuracy over classes that are true anywhere. log-loss clips probabilities
    to [eps, 1 - eps] of their dtype, so that one certain mistake is not infinite.
    """

    def __init__(self, classes: int, *, prediction: str = "probability", target: str = "label") -> None:
        self.classes = classes
        self.prediction = prediction
        self.target = target
        self.confusion = np.zeros((classes, classes), np.int64)
        """int64 (K, K): rows are true classes, columns predicted ones."""
        self._loss = Moments()
        self._top5 = 0
        self._auc = AUC() if classes == 2 else None

    def update(self, predictions: Columns, targets: Columns) -> None:
        probability, label = np.asarray(predictions[self.prediction]), np.asarray(targets[self.target])
        if probability.shape != (len(label), self.classes) or label.ndim != 1:
            raise ValueError(
                f"expected probabilities (B, {self.classes}) and labels (B,), got {probability.shape} and {label.shape}"
            )
        kept = label >= 0
        probability, label = probability[kept], label[kept].astype(np.int64)
        if not len(label):
            return
        if label.max() >= self.classes:
            raise ValueError(f"label {label.max()} where there are {self.classes} classes")
        cells = label * self.classes + probability.argmax(1)
        self.confusion += np.bincount(cells, minlength=self.classes**2).reshape(self.confusion.shape)
        given = probability[np.arange(len(label)), label]
        eps = np.finfo(probability.dtype).eps
        self._loss.update(-np.log(np.clip(given, eps, 1 - eps).astype(np.float64)))
        if self.classes > 5:
            earlier = np.arange(self.classes) < label[:, None]
            better = (probability > given[:, None]) | ((probability == given[:, None]) & earlier)
            self._top5 += int((better.sum(1) < 5).sum())
        if self._auc is not None:
            with np.errstate(divide="ignore"):
                logs = np.log(probability.astype(np.float64))
            self._auc.update(logs[:, 1] - logs[:, 0], label == 1)

    def merge(self, other: Classification) -> None:
        if other.classes != self.classes:
            raise ValueError(f"{other.classes} classes can't be merged into {self.classes}")
        self.confusion += other.confusion
        self._loss.merge(other._loss)
        self._top5 += other._top5
        if self._auc is not None and other._auc is not None:
            self._auc.merge(other._auc)

    def compute(self) -> dict[str, float]:
        n = int(self.confusion.sum())
        values = {"accuracy": self._hits / n if n else float("nan")}
        if self.classes > 5:
            values["top5"] = self._top5 / n if n else float("nan")
        counts = np.diagonal(self.confusion), self.confusion.sum(1), self.confusion.sum(0)
        values |= {name: float(value[0]) for name, value in _by_class(*(one[None] for one in counts)).items()}
        values["log-loss"] = self._loss.value
        if self._auc is not None:
            values["auc"] = self._auc.value
        return values

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """Wilson for accuracy and top5, bootstrap for the means over classes, DeLong for auc, normal for log-loss."""
        n = int(self.confusion.sum())
        found = {"accuracy": wilson(self._hits, n, confidence)}
        if self.classes > 5:
            found["top5"] = wilson(self._top5, n, confidence)
        found |= resampled(self.confusion, _by_class, confidence)
        found["log-loss"] = self._loss.interval(confidence)
        if self._auc is not None:
            found["auc"] = self._auc.interval(confidence)
        return found

    @property
    def _hits(self) -> int:
        return int(np.trace(self.confusion))


def _by_class(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> Mapping[str, np.ndarray]:
    """Counts of each class, (N, K) → means over classes, (N,); NaN where there is no sample."""
    either = true + predicted
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(true > 0, hits / true, 0.0).sum(1) / (true > 0).sum(1)
        f1 = np.where(either > 0, 2 * hits / either, 0.0).sum(1) / (either > 0).sum(1)
    return {"balanced-accuracy": recall, "macro-f1": f1}
