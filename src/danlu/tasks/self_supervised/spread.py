"""How far embeddings are spread: what shows that they have collapsed into a point or onto few directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.metrics.base import Columns, Metric


class Spread(Metric):
    """Of embeddings made 1 long, by their mean and covariance (mergeable sums).

    embedding-std: the mean over dimensions of their deviation, times √D: 1 where they point everywhere alike, 0 where all are one
    (Chen & He 2021). effective-rank: e to the entropy of the covariance's eigenvalues as shares, 1 to D (Roy & Vetterli 2007).
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum: Any = 0.0
        self._products: Any = 0.0

    def update(self, predictions: Columns, targets: Columns) -> None:
        values = np.asarray(predictions["embedding"], np.float64)
        values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        self.count += len(values)
        self._sum = self._sum + values.sum(0)
        self._products = self._products + values.T @ values

    def merge(self, other: Any) -> None:
        self.count += other.count
        self._sum = self._sum + other._sum
        self._products = self._products + other._products

    def compute(self) -> dict[str, float]:
        if self.count < 2:
            return {"embedding-std": float("nan"), "effective-rank": float("nan")}
        mean = self._sum / self.count
        covariance = self._products / self.count - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0)).mean() * np.sqrt(len(mean))
        values = np.linalg.eigvalsh(covariance)
        values = values[values > max(values[-1], 0.0) * 1e-10]
        if not len(values) or values[-1] < 1e-12:
            return {"embedding-std": float(deviation), "effective-rank": 1.0}
        shares = values / values.sum()
        return {"embedding-std": float(deviation), "effective-rank": float(np.exp(-(shares * np.log(shares)).sum()))}
