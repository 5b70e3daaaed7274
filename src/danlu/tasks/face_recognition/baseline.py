"""What a face embedding must beat: raw pixels, and eigenfaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.metrics.pairing import every_pair, unit
from danlu.metrics.roc import Ranked
from danlu.tasks.baselines.base import Baseline, Sample, Tell
from danlu.tasks.baselines.features import matrix

_COMPONENTS = (10, 20, 40, 80, 160)
_ROWS = 4000  # pictures that components are computed from


class Pixels(Baseline):
    """The picture itself, made 32 pixels long; similarity is the cosine of two pictures with their mean taken off."""

    name = "pixels"

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        pass

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        values = matrix(sample)
        return {"embedding": unit(values - values.mean(1, keepdims=True))}


class Eigenfaces(Baseline):
    """The largest principal components of training pictures, whitened (Turk & Pentland 1991); as many as suit held people best."""

    name = "eigenfaces"

    def __init__(self, target: str) -> None:
        self.target = target

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        rows = np.unique(np.linspace(0, len(train) - 1, min(len(train), _ROWS)).astype(np.int64))
        values = matrix(train.take(rows))
        self._mean = values.mean(0)
        _, size, axes = np.linalg.svd(values - self._mean, full_matrices=False)
        kept = int((size > size[0] * 1e-5).sum()) if len(size) else 0
        self._axes = (axes[:kept] / size[:kept, None]).T * np.float32(np.sqrt(len(rows)))
        choices = sorted({min(count, kept) for count in _COMPONENTS})
        self.count = choices[min(2, len(choices) - 1)]
        if len(held):
            projected = self._project(held, kept)
            worth = [_auc(projected[:, :count], held.targets[self.target]) for count in choices]
            if not np.isnan(worth).all():
                self.count = choices[int(np.nanargmax(worth))]

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return {"embedding": unit(self._project(sample, self.count))}

    def settings(self) -> dict[str, Any]:
        return {"components": self.count}

    def _project(self, sample: Sample, count: int) -> np.ndarray:
        projected: np.ndarray = (matrix(sample) - self._mean) @ self._axes[:, :count]
        return projected


def _auc(values: np.ndarray, identities: np.ndarray) -> float:
    pairs = every_pair(unit(values), identities)
    return float(Ranked.of(pairs.scores, pairs.same).curves().auc[0]) if pairs.both else float("nan")
