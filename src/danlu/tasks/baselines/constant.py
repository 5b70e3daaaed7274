"""The same answer for every sample: what is right without looking at it."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer


class Majority(Baseline):
    """Each class with its share of the training rows; the most frequent is the answer."""

    name = "majority"

    def __init__(self, target: str, classes: int) -> None:
        self.target, self.classes = target, classes

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        self.share = shares(train.targets[self.target], self.classes)

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return classes_answer(np.broadcast_to(self.share, (len(sample), self.classes)))


class Mean(Baseline):
    """The mean of the training rows: of all constants the one with the least squared error."""

    name = "mean"

    def __init__(self, target: str) -> None:
        self.target = target

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        self.value = self._middle(np.asarray(train.targets[self.target], np.float64))

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return {"value": np.full(len(sample), self.value, np.float32)}

    @staticmethod
    def _middle(values: np.ndarray) -> float:
        return float(np.nanmean(values))


class Median(Mean):
    """The median of the training rows: of all constants the one with the least absolute error."""

    name = "median"

    @staticmethod
    def _middle(values: np.ndarray) -> float:
        return float(np.nanmedian(values))


def shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """float64 (K,): each class's share of the known labels; equal ones where none is known."""
    counts = np.bincount(labels[labels >= 0], minlength=classes).astype(np.float64)
    return counts / counts.sum() if counts.any() else np.full(classes, 1 / classes)
