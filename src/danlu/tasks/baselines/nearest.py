"""The nearest training images decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer
from danlu.tasks.baselines.constant import shares
from danlu.tasks.baselines.features import SIDES, matrix, width

_CHOICES = (1, 3, 5, 10, 20)  # neighbours
AT_ONCE = 2**22  # distances held at once
_OPERATIONS = 1e11  # multiplications that all distances may take: about 4 CPU seconds
_SMALLEST = 12  # pixels; below, training samples are left out instead


class Neighbours:
    """Training samples that can be searched by Euclidean distance of pixels in 0–1, in bounded memory and time."""

    def __init__(self, known: Sample, asked: int) -> None:
        """known: at least one sample. asked: how many will be asked about: images become smaller, then samples fewer."""
        self.places = np.arange(len(known))
        work = float(max(1, asked))
        sides = [side for side in SIDES if side >= _SMALLEST]
        self._side = next((s for s in sides if width(known, s) * work * len(known) <= _OPERATIONS), sides[-1])
        most = max(1000, int(_OPERATIONS / (width(known, self._side) * work)))
        if most < len(known):
            self.places = np.linspace(0, len(known) - 1, most).astype(np.int64)
            known = known.take(self.places)
        self._values = matrix(known, self._side)
        self._half = np.square(self._values).sum(1) / 2

    def __len__(self) -> int:
        return len(self._values)

    def near(self, sample: Sample, count: int, tell: Tell) -> np.ndarray:
        """int64 (N, count): which of ``known`` are nearest, the nearest first; of equals the earlier."""
        found = np.empty((len(sample), count), np.int64)
        step = max(1, AT_ONCE // len(self))
        for start in range(0, len(sample), step):
            some = sample.take(np.arange(start, min(start + step, len(sample))))
            apart = (
                self._half - matrix(some, self._side) @ self._values.T
            )  # half the square, up to the sample's own part
            near = np.argpartition(apart, count - 1, axis=1)[:, :count]
            near.sort(axis=1)
            order = np.argsort(np.take_along_axis(apart, near, 1), axis=1, kind="stable")
            found[start : start + len(some)] = np.take_along_axis(near, order, 1)
            tell(start + len(some), len(sample))
        return np.asarray(self.places[found])


class _Nearest(Baseline):
    """k neighbours, of which k is the best on held samples."""

    name = "nearest"

    def __init__(self, target: str) -> None:
        self.target = target

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        known, judged = (each.take(np.flatnonzero(self._has(each.targets[self.target]))) for each in (train, held))
        self._learn(known.targets[self.target])
        self._neighbours = Neighbours(known, asked + len(judged))
        choices = [k for k in _CHOICES if k <= len(self._neighbours)]
        near = self._neighbours.near(judged, choices[-1], tell)
        worth = [self._worth(near[:, :k], judged.targets[self.target]) for k in choices] if len(judged) else [0.0]
        self.k = choices[int(np.argmax(worth))]

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return self._answer(self._neighbours.near(sample, self.k, tell))

    def settings(self) -> dict[str, Any]:
        return {"k": self.k, "rows": len(self._neighbours)}

    def _has(self, truth: np.ndarray) -> np.ndarray:
        """bool (N,): the target is known."""
        raise NotImplementedError

    def _learn(self, truth: np.ndarray) -> None:
        raise NotImplementedError

    def _answer(self, near: np.ndarray) -> dict[str, Any]:
        raise NotImplementedError

    def _worth(self, near: np.ndarray, truth: np.ndarray) -> float:
        raise NotImplementedError


class NearestClasses(_Nearest):
    """Shares of the classes among k neighbours, with one more vote divided as the classes are, so that none is impossible."""

    def __init__(self, target: str, classes: int) -> None:
        super().__init__(target)
        self.classes = classes

    def _has(self, truth: np.ndarray) -> np.ndarray:
        return np.asarray(truth >= 0)

    def _learn(self, truth: np.ndarray) -> None:
        self._truth, self._share = truth, shares(truth, self.classes)

    def _answer(self, near: np.ndarray) -> dict[str, Any]:
        count, k = near.shape
        cells = np.arange(count)[:, None] * self.classes + self._truth[near]
        votes = np.bincount(cells.reshape(-1), minlength=count * self.classes).reshape(count, self.classes)
        return classes_answer((votes + self._share) / (k + 1))

    def _worth(self, near: np.ndarray, truth: np.ndarray) -> float:
        return float((self._answer(near)["label"] == truth).mean())


class NearestNumber(_Nearest):
    """The mean of k neighbours."""

    def _has(self, truth: np.ndarray) -> np.ndarray:
        return np.asarray(~np.isnan(truth))

    def _learn(self, truth: np.ndarray) -> None:
        self._truth = np.asarray(truth, np.float64)

    def _answer(self, near: np.ndarray) -> dict[str, Any]:
        return {"value": self._truth[near].mean(1).astype(np.float32)}

    def _worth(self, near: np.ndarray, truth: np.ndarray) -> float:
        return -float(np.square(self._answer(near)["value"] - truth).mean())
