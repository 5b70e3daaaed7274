"""Linear models on the flattened, standardised inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer
from danlu.tasks.baselines.features import SIDES, Scaling, matrix, width
from danlu.tasks.baselines.softmax import Softmax

_HELD = 2**25  # numbers of a matrix held at once
_OPERATIONS = 1e11  # multiplications that fitting may take: about 6 CPU seconds
_ALPHAS = (0.1, 1e-2, 1e-3, 1e-4)  # strength of the penalty, falling
_TOLERANCE = 1e-3  # of the gradient: a tighter one doubles the work for .1 points
_WIDEST = 1024  # columns of a ridge regression, whose cost grows with their cube
_RIDGES = (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-6)


class LinearClasses(Baseline):
    """Multinomial logistic regression; the penalty is the one that is right most often on held samples.

    Images are made smaller, and passes fewer, where the work would be more than a few seconds.
    """

    name = "linear"

    def __init__(self, target: str, classes: int) -> None:
        self.target, self.classes = target, classes
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        kept = np.flatnonzero(train.targets[self.target] >= 0)
        labels = train.targets[self.target][kept]
        cost = 4.0 * len(kept) * self.classes  # multiplications a column and pass
        self._side = next((s for s in SIDES if self._fits(train, s, cost)), SIDES[-1])
        values = matrix(train, self._side)[kept]
        self._scaling = Scaling(values)
        most = int(np.clip(_OPERATIONS / (cost * max(1, values.shape[1])), 20, 400))
        others = self._scaling(matrix(held, self._side))
        self._model = Softmax(values.shape[1], self.classes)
        best, used = None, 0
        for alpha in _ALPHAS if len(held) else _ALPHAS[1:2]:
            before = used

            def passed(done: int, before: int = before) -> None:
                tell(min(before + done, most), most)

            used += self._model.fit(values, labels, alpha, max(5, min(most - used, most // 2)), _TOLERANCE, passed)
            hits, loss = _judged(self._model.probability(others), held.targets[self.target])
            if best is not None and (hits, -loss) <= best[0]:
                break  # a weaker penalty only fits the training rows better
            best = (hits, -loss), self._model.weights.copy(), alpha
            if used >= most:
                break
        assert best is not None
        self._model.weights = best[1]
        tell(most, most)
        self._settings = {"alpha": best[2], "columns": values.shape[1], "rows": len(kept), "passes": used}

    def _fits(self, train: Sample, side: int, cost: float) -> bool:
        columns = width(train, side)
        return columns * len(train) <= _HELD and cost * columns * 60 <= _OPERATIONS

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return classes_answer(self._model.probability(self._scaling(matrix(sample, self._side))))

    def settings(self) -> dict[str, Any]:
        return self._settings


class LinearNumber(Baseline):
    """Ridge regression in closed form; the penalty is the one with the least squared error on held samples."""

    name = "linear"

    def __init__(self, target: str) -> None:
        self.target = target
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        true = np.asarray(train.targets[self.target], np.float64)
        kept = np.flatnonzero(~np.isnan(true))
        self._side = next((s for s in SIDES if width(train, s) <= _WIDEST), SIDES[-1])
        values = matrix(train, self._side)[kept]
        self._scaling = Scaling(values)
        values, true = values.astype(np.float64), true[kept]
        self._bias = float(true.mean()) if len(true) else 0.0
        square, cross = values.T @ values / max(1, len(true)), values.T @ (true - self._bias) / max(1, len(true))
        others = self._scaling(matrix(held, self._side)).astype(np.float64)
        wanted = np.asarray(held.targets[self.target], np.float64)
        best = (np.inf, _RIDGES[2])
        for done, alpha in enumerate(_RIDGES if len(held) else (), start=1):
            error = np.square(others @ _solved(square, cross, alpha) + self._bias - wanted)
            best = min(best, (float(np.nanmean(error)), alpha))
            tell(done, len(_RIDGES))
        self._weights = _solved(square, cross, best[1])
        self._settings = {"alpha": best[1], "columns": values.shape[1], "rows": len(true)}

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        values = self._scaling(matrix(sample, self._side)).astype(np.float64)
        return {"value": (values @ self._weights + self._bias).astype(np.float32)}

    def settings(self) -> dict[str, Any]:
        return self._settings


def _judged(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """(share of right answers, mean log loss) on the samples with a label; (0, 0) where there are none."""
    kept = label >= 0
    if not kept.any():
        return 0.0, 0.0
    probability, label = probability[kept], label[kept]
    given = probability[np.arange(len(label)), label].astype(np.float64)
    return float((probability.argmax(1) == label).mean()), float(-np.log(np.maximum(given, 1e-12)).mean())


def _solved(square: np.ndarray, cross: np.ndarray, alpha: float) -> np.ndarray:
    return np.asarray(np.linalg.solve(square + alpha * np.eye(len(square)), cross))
