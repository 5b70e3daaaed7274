"""Seasonal naive: what stood there some steps earlier stands there again."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.kinds.features import Features
from danlu.data.tabular.encoders import Numeric
from danlu.tasks.baselines.base import Baseline, Sample, Tell


class SeasonalNaive(Baseline):
    """The target's own value so many steps earlier; of the lags that the net sees the one with the least squared error in training."""

    name = "seasonal-naive"

    def __init__(self, target: str, kind: Features, column: str = "features") -> None:
        self.target, self.column = target, column
        self.lags = lags_of(kind, target)
        self.places = {name: kind.numbers.index(name) for name in self.lags}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        true = np.asarray(train.targets[self.target], np.float64)
        errors = {name: float(np.nanmean(np.square(self._said(train, name) - true))) for name in self.lags}
        self._best = min(errors, key=lambda name: errors[name])

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return {"value": self._said(sample, self._best).astype(np.float32)}

    def settings(self) -> dict[str, Any]:
        return {"of": self._best}

    def _said(self, sample: Sample, name: str) -> np.ndarray:
        return self.lags[name].scale.back(sample.inputs[self.column][:, self.places[name]].astype(np.float64))


def lags_of(kind: Features, target: str) -> dict[str, Numeric]:
    """The columns that hold earlier values of the target."""
    return {
        encoder.name: encoder
        for encoder in kind.encoders
        if isinstance(encoder, Numeric) and encoder.name.startswith(f"{target} -") and encoder.scale.name != "quantile"
    }
