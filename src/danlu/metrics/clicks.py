"""Probabilities of clicks: whether those that were clicked come first, and whether as many were as was said."""

from __future__ import annotations

import math

import numpy as np

from danlu.metrics.auc import AUC
from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, quantile
from danlu.metrics.moments import Moments

BINS = 15


class Clicks(Metric):
    """auc, log-loss, normalised-entropy, ece, click-ratio, and gauc where a column says whose clicks they are.

    Predictions: ``prediction`` (B, 2), probabilities of no and yes. Targets: ``target`` (B,), 1 for a click (``positive``), negative:
    unknown; ``group`` int64 (B,), if it is there, the user.

    normalised-entropy: log loss over the entropy of the judged rows' own rate (He et al. 2014); 1 is what a constant rate gets. ece:
    of the probability of a click, 15 equally wide bins. click-ratio: Σ probability / clicks. gauc: AUC of each group that has both,
    weighted by its clicks, as RecBole's (Zhu et al. 2017).
    """

    def __init__(
        self, *, prediction: str = "probability", target: str = "click", group: str = "group", positive: int = 1
    ) -> None:
        self.prediction, self.target, self.group, self.positive = prediction, target, group, positive
        self._auc, self._loss = AUC(), Moments()
        self._bins = np.zeros((3, BINS))  # rows, sums of probabilities, clicks
        self._blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # group, log-odds, click
        self._squares = np.zeros(3)  # Σp², Σp·y, Σy²: for the interval of the ratio

    def update(self, predictions: Columns, targets: Columns) -> None:
        probability, label = np.asarray(predictions[self.prediction]), np.asarray(targets[self.target])
        if probability.shape != (len(label), 2):
            raise ValueError(
                f"expected probabilities (B, 2) and labels (B,), got {probability.shape} and {label.shape}"
            )
        known = label >= 0
        probability, click = probability[known], label[known] == self.positive
        if not len(click):
            return
        yes = probability[:, self.positive]
        given = np.where(click, yes, probability[:, 1 - self.positive])
        eps = np.finfo(probability.dtype).eps
        self._loss.update(-np.log(np.clip(given, eps, 1 - eps).astype(np.float64)))
        with np.errstate(divide="ignore"):
            logs = np.log(probability.astype(np.float64))
        odds = logs[:, self.positive] - logs[:, 1 - self.positive]
        self._auc.update(odds, click)
        yes = yes.astype(np.float64)
        place = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], yes)
        for row, weights in enumerate((None, yes, click)):
            self._bins[row] += np.bincount(place, weights, BINS)
        self._squares += (np.square(yes).sum(), (yes * click).sum(), click.sum())
        if self.group in targets:
            self._blocks.append((np.asarray(targets[self.group], np.int64)[known], odds, click))

    def merge(self, other: Clicks) -> None:
        self._auc.merge(other._auc)
        self._loss.merge(other._loss)
        self._bins += other._bins
        self._squares += other._squares
        self._blocks += other._blocks

    def compute(self) -> dict[str, float]:
        rows, said, clicks = self._bins
        count = rows.sum()
        values = {"auc": self._auc.value, "log-loss": self._loss.value}
        values["normalised-entropy"] = self._loss.value / _entropy(clicks.sum(), count) if count else math.nan
        values["ece"] = float(np.abs(clicks - said).sum() / count) if count else math.nan
        values["click-ratio"] = float(said.sum() / clicks.sum()) if clicks.sum() else math.nan
        if self._blocks:
            values["gauc"] = self._grouped()[0]
        return values

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """auc: DeLong. log-loss: normal; normalised-entropy: the same at the rate that was found. click-ratio, gauc: delta method."""
        rows, said, clicks = self._bins
        low, high = self._loss.interval(confidence)
        found = {"auc": self._auc.interval(confidence), "log-loss": (low, high)}
        entropy = _entropy(clicks.sum(), rows.sum()) if rows.sum() else math.nan
        found["normalised-entropy"] = (low / entropy, high / entropy)
        reach = quantile(confidence)
        if clicks.sum() and rows.sum() > 1:
            ratio = said.sum() / clicks.sum()
            squares = float(self._squares @ (1.0, -2.0 * ratio, ratio**2))  # Σ(p - ratio·y)², the mean of which is 0
            half = reach * math.sqrt(max(0.0, squares)) / clicks.sum()
            found["click-ratio"] = (float(ratio - half), float(ratio + half))
        if self._blocks:
            value, spread = self._grouped()
            found["gauc"] = (max(0.0, value - reach * spread), min(1.0, value + reach * spread))
        return found

    def _grouped(self) -> tuple[float, float]:
        """(gauc, its standard error over groups)."""
        group, odds, click = (np.concatenate(each) for each in zip(*self._blocks, strict=True))
        if np.isnan(odds).any():
            return math.nan, math.nan
        area, weight = grouped_auc(group, odds, click)
        if not len(area):
            return math.nan, math.nan
        value = float((weight * area).sum() / weight.sum())
        return value, float(np.sqrt(np.square(weight * (area - value)).sum()) / weight.sum())


def grouped_auc(group: np.ndarray, score: np.ndarray, click: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(AUC of each group with clicks and without, their clicks), float64 (G,). group: (N,). Equal scores count half."""
    order = np.lexsort((score, group))
    group, score, click = group[order], score[order], np.asarray(click[order], np.float64)
    fresh = np.r_[True, group[1:] != group[:-1]]
    run = np.cumsum(fresh | np.r_[True, score[1:] != score[:-1]]) - 1  # equal scores of one group
    place = np.cumsum(fresh) - 1
    starts = np.flatnonzero(fresh)
    count = np.bincount(run)
    rank = np.arange(1, len(group) + 1) - starts[place]  # from 1, within the group
    middle = (np.bincount(run, rank) / count)[run]
    clicks, rows = np.bincount(place, click), np.bincount(place).astype(np.float64)
    others = rows - clicks
    both = (clicks > 0) & (others > 0)
    sums = np.bincount(place, middle * click)
    area = (sums - clicks * (clicks + 1) / 2)[both] / (clicks * others)[both]
    return area, clicks[both]


def _entropy(clicks: float, rows: float) -> float:
    """Of a rate, in nats; NaN where all answers are the same."""
    rate = clicks / rows
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate)) if 0 < rate < 1 else math.nan
