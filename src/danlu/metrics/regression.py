"""Metrics of a number, from states that merge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval
from danlu.metrics.moments import Moments


class Regression(Metric):
    """mse, rmse, mae and r2, computed in float64.

    prediction and target: columns of numbers (B,), or (B, K) taken together. Targets that are NaN are ignored.
    r2 is 1 - Σ(target - prediction)² / Σ(target - mean)²; where targets don't vary it is 1 for a perfect prediction and
    0 for any other, as in scikit-learn; NaN for fewer than two targets.
    """

    def __init__(self, *, prediction: str = "value", target: str = "target") -> None:
        self.prediction = prediction
        self.target = target
        self._squared = Moments()
        self._absolute = Moments()
        self._true = Moments()

    def update(self, predictions: Columns, targets: Columns) -> None:
        predicted, true = (_float64(column) for column in (predictions[self.prediction], targets[self.target]))
        if predicted.shape != true.shape:
            raise ValueError(f"predictions have shape {predicted.shape}, targets {true.shape}")
        known = ~np.isnan(true)
        predicted, true = predicted[known], true[known]
        error = predicted - true
        self._squared.update(np.square(error))
        self._absolute.update(np.abs(error))
        self._true.update(true)

    def merge(self, other: Any) -> None:
        self._squared.merge(other._squared)
        self._absolute.merge(other._absolute)
        self._true.merge(other._true)

    def compute(self) -> dict[str, float]:
        mse = self._squared.value
        return {"mse": mse, "rmse": math.sqrt(mse), "mae": self._absolute.value, "r2": self._r2()}

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """Of mse and mae by the central limit theorem, of rmse as the root of mse's."""
        low, high = self._squared.interval(confidence)
        low = max(0.0, low) if not math.isnan(low) else low
        return {
            "mse": (low, high),
            "rmse": (math.sqrt(low), math.sqrt(high)),
            "mae": self._absolute.interval(confidence),
        }

    def _r2(self) -> float:
        if self._true.n < 2:
            return math.nan
        residual, spread = self._squared.mean * self._squared.n, self._true.squares
        if spread == 0:
            return 1.0 if residual == 0 else 0.0
        return 1 - residual / spread


def _float64(column: Any) -> np.ndarray:
    return np.asarray(column, np.float64)
