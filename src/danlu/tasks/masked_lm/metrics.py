"""Perplexity and accuracy at hidden places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, wilson


class Recovered(Metric):
    """perplexity (e to the mean of nats over hidden tokens) and accuracy (share that is found), sums over texts."""

    sums = True

    def __init__(self) -> None:
        self.nats, self.hits, self.hidden = 0.0, 0, 0

    def update(self, predictions: Columns, targets: Columns) -> None:
        self.nats += float(np.sum(predictions["nats"]))
        self.hits += int(np.sum(predictions["hits"]))
        self.hidden += int(np.sum(predictions["hidden"]))

    def merge(self, other: Any) -> None:
        self.nats, self.hits, self.hidden = self.nats + other.nats, self.hits + other.hits, self.hidden + other.hidden

    def compute(self) -> dict[str, float]:
        if not self.hidden:
            return {"perplexity": math.nan, "accuracy": math.nan}
        return {"perplexity": math.exp(min(self.nats / self.hidden, 700.0)), "accuracy": self.hits / self.hidden}

    def intervals(self, confidence: float) -> dict[str, Interval]:
        return {"accuracy": wilson(self.hits, self.hidden, confidence)}
