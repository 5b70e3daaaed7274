"""Sets of labels from simple models."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.metrics.thresholds import tuned_each
from danlu.tasks.baselines.base import Baseline, Sample, Tell
from danlu.tasks.baselines.features import SIDES, Scaling, matrix, width
from danlu.tasks.baselines.softmax import minimise

_HELD = 2**25  # numbers of a matrix held at once
_OPERATIONS = 1e11  # multiplications that fitting may take: about 6 CPU seconds
_ALPHAS = (1.0, 0.1, 1e-2, 1e-3, 1e-4)  # strength of the penalty, falling
_TOLERANCE = 1e-3


class Frequent(Baseline):
    """The most frequent labels of the training rows, as many as a row has on average, for every sample."""

    name = "frequent"

    def __init__(self, target: str, classes: int) -> None:
        self.target, self.classes = target, classes

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        labels = np.asarray(train.targets[self.target], np.float64).reshape(-1, self.classes)
        self.share = labels.mean(0) if len(labels) else np.zeros(self.classes)
        most = max(1, round(float(self.share.sum())))
        self.found = np.zeros(self.classes, np.uint8)
        self.found[np.argsort(-self.share, kind="stable")[:most]] = 1

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        shape = (len(sample), self.classes)
        return {
            "probability": np.broadcast_to(self.share.astype(np.float32), shape).copy(),
            "labels": np.broadcast_to(self.found, shape).copy(),
        }

    def settings(self) -> dict[str, Any]:
        return {"labels": int(self.found.sum())}


class OneVsRest(Baseline):
    """A logistic regression for each label on the flattened, standardised pixels; one penalty for all, by the loss on held samples.

    metric: by which each label's threshold is tuned on the held samples; None: .5. Images are made smaller, and passes fewer, where the
    work would be more than a few seconds.
    """

    name = "one-vs-rest"

    def __init__(self, target: str, classes: int, metric: str | None = None) -> None:
        self.target, self.classes, self.metric = target, classes, metric
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        labels = np.asarray(train.targets[self.target], np.float32).reshape(-1, self.classes)
        truth = np.asarray(held.targets[self.target], np.float64).reshape(-1, self.classes)
        cost = 4.0 * len(train) * self.classes
        self._side = next((side for side in SIDES if self._fits(train, side, cost)), SIDES[-1])
        values = matrix(train, self._side)
        self._scaling = Scaling(values)
        others = self._scaling(matrix(held, self._side))
        most = int(np.clip(_OPERATIONS / (cost * max(1, values.shape[1])), 20, 400))
        weights = np.zeros((values.shape[1] + 1, self.classes))
        best: tuple[float, np.ndarray, float] | None = None
        used = 0
        for alpha in _ALPHAS if len(held) else _ALPHAS[2:3]:
            weights, passes = fitted(values, labels, weights, alpha, max(5, min(most - used, most // 2)))
            used += passes
            tell(min(used, most), most)
            loss = _loss(others, truth, weights)
            if best is not None and loss >= best[0]:
                break  # a weaker penalty only fits the training rows better
            best = loss, weights, alpha
            if used >= most:
                break
        assert best is not None
        self._weights, self._offsets = best[1], np.zeros(self.classes)
        if self.metric is not None and len(held):
            self._offsets = tuned_each(_logits(others, self._weights), truth, self.metric).offsets
        tell(most, most)
        self._settings = {"alpha": best[2], "columns": values.shape[1], "rows": len(train), "passes": used}

    def _fits(self, train: Sample, side: int, cost: float) -> bool:
        columns = width(train, side)
        return columns * len(train) <= _HELD and cost * columns * 60 <= _OPERATIONS

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        logits = _logits(self._scaling(matrix(sample, self._side)), self._weights)
        return {
            "probability": (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32),
            "labels": (logits + self._offsets > 0).astype(np.uint8),
        }

    def settings(self) -> dict[str, Any]:
        return self._settings


def fitted(
    values: np.ndarray, labels: np.ndarray, start: np.ndarray, alpha: float, passes: int, tolerance: float = _TOLERANCE
) -> tuple[np.ndarray, int]:
    """(weights (D + 1, K), biases last; passes) of K independent logistic regressions.

    Least mean binary cross entropy of each label plus alpha/2 times its squared weights: scikit-learn's with C = 1 / (alpha·N).
    values: float32 (N, D). labels: float32 (N, K) of 0 and 1.
    """
    shape, count = start.shape, max(1, len(values))

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        logits = values @ weights[:-1].astype(values.dtype) + weights[-1].astype(values.dtype)
        loss = float((np.logaddexp(0, logits) - labels * logits).sum(dtype=np.float64)) / count
        apart = 1 / (1 + np.exp(-np.clip(logits, -60, 60))) - labels
        slope = np.empty(shape)
        slope[:-1] = values.T @ apart / count + alpha * weights[:-1]
        slope[-1] = apart.sum(0, dtype=np.float64) / count
        return loss + alpha / 2 * float(np.square(weights[:-1]).sum()), slope.reshape(-1)

    found, used = minimise(objective, start.reshape(-1), passes, tolerance)
    return found.reshape(shape), used


def _logits(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(values @ weights[:-1].astype(values.dtype) + weights[-1].astype(values.dtype), np.float64)


def _loss(values: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    logits = _logits(values, weights)
    return float((np.logaddexp(0, logits) - truth * logits).mean()) if len(values) else 0.0
