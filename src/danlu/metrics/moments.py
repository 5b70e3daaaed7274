"""Count, mean and spread of numbers as a mergeable state (Chan, Golub & LeVeque 1979)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from danlu.metrics.interval import Interval, quantile, wilson

_ROUNDING = 1e-12


@dataclass
class Moments:
    """n numbers, their mean, and the sum of squares of their distances from it; all float64."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def update(self, values: np.ndarray) -> None:
        """values: (B,), any real dtype."""
        if len(values):
            numbers = np.asarray(values, np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                mean = float(numbers.mean())
                squares = float(np.square(numbers - mean).sum())
            self.merge(Moments(len(numbers), mean, squares))

    def merge(self, other: Moments) -> None:
        n = self.n + other.n
        if n and not (math.isfinite(self.mean) and math.isfinite(other.mean)):  # ∞ - ∞ would hang on the order
            self.n, self.mean, self.squares = n, self.mean + other.mean, math.nan
        elif n:
            apart = other.mean - self.mean
            self.mean += apart * other.n / n
            self.squares += other.squares + apart * apart * self.n * other.n / n
            self.n = n

    @property
    def value(self) -> float:
        """The mean; NaN without numbers."""
        return self.mean if self.n else math.nan

    def interval(self, confidence: float) -> Interval:
        """Of the mean, by the central limit theorem; NaN for fewer than two numbers."""
        if self.n < 2:
            return math.nan, math.nan
        half = quantile(confidence) * math.sqrt(self.squares / (self.n - 1) / self.n)
        return self.mean - half, self.mean + half

    def share_interval(self, confidence: float) -> Interval:
        """Of the mean of numbers that lie in [0, 1], and in it: Wilson's, NaN without numbers.

        Numbers between 0 and 1 spread less than zeros and ones of the same mean, and so count as more of these: as many as give
        their mean the variance that it has. Of zeros and ones alone it is Wilson's interval itself. Where all are equal the spread
        is not known, and they count as they are.
        """
        if not (self.n and math.isfinite(self.mean)):
            return math.nan, math.nan
        mean, spread = min(max(self.mean, 0.0), 1.0), self.squares / self.n
        as_many = self.n * mean * (1 - mean) / spread if spread > _ROUNDING else 0.0
        worth = max(float(self.n), as_many)
        return wilson(mean * worth, worth, confidence)
