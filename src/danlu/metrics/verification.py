"""Verification: whether two embeddings are of one identity, judged on all pairs; with intervals by resampling identities.

Pairs of one identity are not independent of each other, nor are all pairs of two: so identities are resampled, not pairs
(Bolle, Ratha & Pankanti, Error analysis of pattern recognition systems: the subsets bootstrap, 2004).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, quantile
from danlu.metrics.pairing import Pairs, every_pair, unit
from danlu.metrics.rank import rank1
from danlu.metrics.roc import Ranked

ERRORS = 30  # false acceptances that a rate should rest on (the rule of thirty: Doddington et al. 2000)
FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
FOLDS = 10
_DRAWS = (100, 400)
_WORK = 5_000_000  # weights of pairs, of all draws together
_AT_ONCE = 4_000_000
_LEFT_OUT = 40  # draws of the accuracy on identities that were not drawn


class Verification(Metric):
    """Embeddings (B, D) beside identities int64 (B,); -1 is an unknown one and left out. Similarity is the cosine.

    "auc", "eer". "accuracy": at a threshold chosen on other identities, genuine and impostor pairs weigh half each (ten folds of
    identities where there are 20 or more, else identities that a bootstrap left out). "rank1": share of pictures whose own identity
    is the nearest when each identity is known by one picture, the mean over all choices of these. "tar@0.01": true acceptance rate at
    that false acceptance rate, only for rates of which thirty false acceptances would be seen; "smallest-far": the least such rate.

    Pairs beyond a million are thinned out evenly.
    """

    unit: ClassVar[str | None] = "identity"

    def __init__(self, prediction: str = "embedding", target: str = "identity") -> None:
        self.prediction, self.target = prediction, target
        self._embeddings: list[np.ndarray] = []
        self._identities: list[np.ndarray] = []
        self._made: Pairs | None = None

    def update(self, predictions: Columns, targets: Columns) -> None:
        identity = np.asarray(targets[self.target], np.int64)
        kept = np.flatnonzero(identity != -1)
        if len(kept):
            embedding = np.asarray(predictions[self.prediction], np.float32)
            self._embeddings.append(unit(embedding[kept].reshape(len(kept), -1)))
            self._identities.append(identity[kept])
            self._made = None

    def merge(self, other: Verification) -> None:
        self._embeddings += other._embeddings
        self._identities += other._identities
        self._made = None

    @property
    def pairs(self) -> Pairs:
        if self._made is None:
            if self._embeddings:
                self._made = every_pair(np.concatenate(self._embeddings), np.concatenate(self._identities))
            else:
                self._made = every_pair(np.empty((0, 1), np.float32), np.empty(0, np.int64))
        return self._made

    def compute(self) -> dict[str, float]:
        pairs = self.pairs
        curves = Ranked.of(pairs.scores, pairs.same).curves()
        return {
            "auc": float(curves.auc[0]) if pairs.both else math.nan,
            "eer": float(curves.eer[0]) if pairs.both else math.nan,
            "accuracy": _mean(_accuracies(pairs)),
            "rank1": _mean(rank1(pairs.embeddings, pairs.identities)),
            **{f"tar@{far:g}": float(curves.tar_at(far)[0]) for far in self._fars()},
            "smallest-far": smallest_far(pairs),
        }

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """NaN bounds for fewer than three identities."""
        pairs = self.pairs
        drawn: dict[str, list[np.ndarray]] = {}
        names = ["auc", "eer", "rank1", *(f"tar@{far:g}" for far in self._fars())]
        if pairs.both and pairs.count > 2:
            for weights in _weights(pairs):
                curves = self._ranked(pairs).curves(pairs.weighted(weights))
                found = {"auc": curves.auc, "eer": curves.eer, "rank1": self._rank1(weights)}
                found |= {f"tar@{far:g}": curves.tar_at(far) for far in self._fars()}
                for name in names:
                    drawn.setdefault(name, []).append(found[name])
        tail = (1 - confidence) / 2
        bounds = {name: _bounds(np.concatenate(drawn[name]), tail) if drawn else (math.nan, math.nan) for name in names}
        return bounds | {"accuracy": _interval(_accuracies(pairs), pairs.count >= 2 * FOLDS, confidence)}

    def _ranked(self, pairs: Pairs) -> Ranked:
        return Ranked.of(pairs.scores, pairs.same)

    def _rank1(self, weights: np.ndarray) -> np.ndarray:
        """(D,): probes of identities as often as these were drawn; the gallery stays."""
        hits = rank1(self.pairs.embeddings, self.pairs.identities)
        known = ~np.isnan(hits)
        each = weights[:, self.pairs.identities[known]]
        total = each.sum(1)
        share: np.ndarray = np.divide(each @ hits[known], total, out=np.full(len(each), np.nan), where=total > 0)
        return share

    def _fars(self) -> list[float]:
        least = smallest_far(self.pairs)
        return [far for far in FARS if far >= least - 1e-12]


def smallest_far(pairs: Pairs) -> float:
    """The least false acceptance rate that the impostor pairs can tell: thirty of them; NaN with fewer than thirty."""
    impostors = int((~pairs.same).sum())
    return ERRORS / impostors if impostors >= ERRORS else math.nan


def _weights(pairs: Pairs) -> Iterator[np.ndarray]:
    """Blocks (D, identities): how often each was drawn."""
    rng = np.random.Generator(np.random.Philox(0))
    draws = int(np.clip(_WORK // max(1, len(pairs.scores)), *_DRAWS))
    block = max(1, _AT_ONCE // max(1, len(pairs.scores)))
    for start in range(0, draws, block):
        yield rng.multinomial(pairs.count, np.full(pairs.count, 1 / pairs.count), min(block, draws - start)).astype(
            np.float64
        )


def _accuracies(pairs: Pairs) -> np.ndarray:
    """Accuracy of each fold, or of each draw, at the threshold of the identities outside of it; only where both kinds of pairs are."""
    rng = np.random.Generator(np.random.Philox(1))
    if pairs.count < 3 or not pairs.both:
        return np.empty(0)
    if pairs.count >= 2 * FOLDS:
        fold = rng.permutation(pairs.count) % FOLDS
        judged = (fold == np.arange(FOLDS)[:, None]).astype(np.float64)
        chosen = 1 - judged
    else:
        chosen = rng.multinomial(pairs.count, np.full(pairs.count, 1 / pairs.count), _LEFT_OUT).astype(np.float64)
        judged = (chosen == 0).astype(np.float64)
    ranked = Ranked.of(pairs.scores, pairs.same)
    found = []
    for one, other in zip(chosen, judged, strict=True):
        weights = pairs.weighted(one[None])
        threshold = ranked.curves(weights).best_threshold()
        if math.isnan(threshold):
            continue
        inside = (other[pairs.first] * other[pairs.second]) > 0
        found.append(balanced(pairs.scores[inside] >= threshold, pairs.same[inside]))
    values = np.asarray(found, np.float64)
    return values[~np.isnan(values)]


def balanced(accepted: np.ndarray, same: np.ndarray) -> float:
    """Mean of the share of genuine pairs that are accepted and of impostor pairs that are not; NaN without either."""
    if not same.any() or same.all():
        return math.nan
    return float((accepted[same].mean() + (~accepted[~same]).mean()) / 2)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _bounds(values: np.ndarray, tail: float) -> Interval:
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def _interval(values: np.ndarray, folds: bool, confidence: float) -> Interval:
    """Of folds the normal one of their mean; of draws their own spread."""
    if len(values) < 2:
        return math.nan, math.nan
    if not folds:
        return _bounds(values, (1 - confidence) / 2)
    half = quantile(confidence) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return max(0.0, float(values.mean()) - half), min(1.0, float(values.mean()) + half)
