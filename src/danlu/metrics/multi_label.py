"""Metrics of sets of labels: from decisions (F1, subset accuracy, Hamming loss) and from rankings (average precision, AUC)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, quantile

_DECIDED, _RANKED = 100_000_000, 10_000_000  # cells (draws · samples · labels) that resampling may take
_DRAWS = 1000
_ENOUGH = 400  # draws for percentiles; with fewer the interval is the normal one with their deviation
_FEWEST = 20


class MultiLabel(Metric):
    """micro-f1, macro-f1, map, auc, subset-accuracy, hamming-loss of K labels, as scikit-learn's.

    predictions: ``probability`` (B, K) and ``labels`` (B, K), the decisions. targets: ``labels`` (B, K) of 0 and 1.

    Labels that can't be judged are left out of the means, where scikit-learn counts an invented 0 or gives NaN for all: macro-f1 is the
    mean over labels that are true or found anywhere, map (mean average precision) over those that are true somewhere, auc over those
    that are true somewhere and false somewhere; NaN where there is none. Six bytes are kept for each sample and label.
    """

    def __init__(self, classes: int, *, target: str = "labels", prediction: str = "probability") -> None:
        self.classes, self.target, self.prediction = classes, target, prediction
        self._blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def update(self, predictions: Columns, targets: Columns) -> None:
        score, found, true = (
            np.asarray(values)
            for values in (predictions[self.prediction], predictions[self.target], targets[self.target])
        )
        for values in (score, found, true):
            if values.ndim != 2 or values.shape[1] != self.classes or len(values) != len(true):
                raise ValueError(f"expected three arrays (B, {self.classes}), got one {values.shape}")
        self._blocks.append((score.astype(np.float32), found > 0, true > 0.5))

    def merge(self, other: MultiLabel) -> None:
        if other.classes != self.classes:
            raise ValueError(f"{other.classes} labels can't be merged into {self.classes}")
        self._blocks += other._blocks

    def _all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(scores, decisions, truth), each (N, K)."""
        if not self._blocks:
            nothing = np.zeros((0, self.classes), bool)
            return nothing.astype(np.float32), nothing, nothing
        if len(self._blocks) > 1:
            self._blocks = [tuple(np.concatenate(each) for each in zip(*self._blocks, strict=True))]  # type: ignore[list-item]
        return self._blocks[0]

    def compute(self) -> dict[str, float]:
        score, found, true = self._all()
        if not len(true):
            return dict.fromkeys(
                ("micro-f1", "macro-f1", "map", "auc", "subset-accuracy", "hamming-loss"), float("nan")
            )
        ones = np.ones((1, len(true)))
        values = _decided(ones, found, true) | _ranked(ones, score, true)
        order = ("micro-f1", "macro-f1", "map", "auc", "subset-accuracy", "hamming-loss")
        return {name: float(values[name][0]) for name in order}

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """Bootstrap over samples (Efron 1979), deterministic; of the rankings with fewer draws where there are many samples."""
        score, found, true = self._all()
        if len(true) < 2:
            return {}
        cells = max(1, true.size)
        intervals: dict[str, Interval] = {}
        for most, ranked in ((_DECIDED, False), (_RANKED, True)):
            draws = max(_FEWEST, min(_DRAWS, most // cells))
            parts: dict[str, list[np.ndarray]] = {}
            if ranked and cells > most:
                continue
            for weights in _drawn(len(true), draws):
                made = _ranked(weights, score, true) if ranked else _decided(weights, found, true)
                for name, values in made.items():
                    parts.setdefault(name, []).append(values)
            now = self.compute()
            intervals |= {name: _bounds(np.concatenate(each), now[name], confidence) for name, each in parts.items()}
        return intervals


def f1(hits: np.ndarray, either: np.ndarray) -> np.ndarray:
    """2·hits / (true + found), NaN where a label is neither."""
    return np.asarray(np.divide(2.0 * hits, either, out=np.full(np.shape(hits), np.nan), where=either > 0))


def average_precision(score: np.ndarray, yes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """float64 (D,): Σ (Rₙ - Rₙ₋₁)·Pₙ over falling scores, equal ones at once; NaN without a yes.

    score: (N,). yes: bool (N,). weights: (D, N), how often each sample counts; by default once.
    """
    true, every = _cumulated(score, yes, weights)
    total = true[:, -1]
    gained = np.diff(true, axis=1, prepend=0.0)
    precision = np.divide(true, every, out=np.zeros_like(true), where=every > 0)
    return np.asarray(np.divide((gained * precision).sum(1), total, out=np.full(len(true), np.nan), where=total > 0))


def roc_auc(score: np.ndarray, yes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """float64 (D,): pairs of a yes and a no in which the yes scores more, equal ones half, of all pairs; NaN without either."""
    true, every = _cumulated(score, yes, weights)
    false = every - true
    gained = np.diff(true, axis=1, prepend=0.0)
    above = (false + np.concatenate([np.zeros((len(false), 1)), false[:, :-1]], axis=1)) / 2
    pairs = true[:, -1] * false[:, -1]
    worse = (gained * above).sum(1)
    return np.asarray(np.divide(pairs - worse, pairs, out=np.full(len(true), np.nan), where=pairs > 0))


def _cumulated(score: np.ndarray, yes: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(yes, all) float64 (D, S): weights of samples that score at least the 1st, 2nd, … highest of S different scores."""
    weights = np.ones((1, len(score))) if weights is None else np.asarray(weights, np.float64)
    order = np.argsort(-score, kind="stable")
    ranked, weights = score[order], weights[:, order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    return np.cumsum(weights * yes[order], axis=1)[:, last], np.cumsum(weights, axis=1)[:, last]


def _decided(weights: np.ndarray, found: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    hits, said, there = (weights @ each.astype(np.float64) for each in (found & true, found, true))
    either = said + there
    count = weights.sum(1)
    by_label = f1(hits, either)
    judged = ~np.isnan(by_label)
    return {
        "micro-f1": f1(hits.sum(1), either.sum(1)),
        "macro-f1": _mean(by_label, judged),
        "subset-accuracy": weights @ (found == true).all(1).astype(np.float64) / count,
        "hamming-loss": (either - 2 * hits).sum(1) / (count * true.shape[1]),
    }


def _ranked(weights: np.ndarray, score: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    labels = range(true.shape[1])
    precision = np.stack([average_precision(score[:, one], true[:, one], weights) for one in labels], axis=1)
    area = np.stack([roc_auc(score[:, one], true[:, one], weights) for one in labels], axis=1)
    return {"map": _mean(precision, ~np.isnan(precision)), "auc": _mean(area, ~np.isnan(area))}


def _mean(values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """(D,): over the judged labels of (D, K); NaN where there is none."""
    count = judged.sum(1)
    total = np.where(judged, values, 0.0).sum(1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))


def _drawn(samples: int, draws: int) -> Iterator[np.ndarray]:
    """Blocks (D, N) of how often each sample is drawn. A generator of its own."""
    rng = np.random.Generator(np.random.Philox(0))
    block = max(1, min(draws, 2_000_000 // samples))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        chosen = rng.integers(0, samples, (size, samples)) + np.arange(size)[:, None] * samples
        yield np.bincount(chosen.reshape(-1), minlength=size * samples).reshape(size, samples).astype(np.float64)


def _bounds(drawn: np.ndarray, value: float, confidence: float) -> Interval:
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < 2 or math.isnan(value):
        return math.nan, math.nan
    if len(drawn) < _ENOUGH:
        half = quantile(confidence) * float(drawn.std(ddof=1))
        return max(0.0, value - half), min(1.0, value + half)
    low, high = np.quantile(drawn, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)
