"""A receiver operating characteristic from scores of pairs or samples, exact, also of many weightings at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Ranked:
    """Scores that were sorted once, the largest first. A threshold accepts what scores at least as much.

    order: int64 (P,). scores: float64 (T,), the distinct ones, falling. last: int64 (T,), place in ``order`` of the last with that
    score. yes: bool (P,), in that order.
    """

    order: np.ndarray
    scores: np.ndarray
    last: np.ndarray
    yes: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, yes: np.ndarray) -> Ranked:
        """scores: (P,), no NaN. yes: bool (P,)."""
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        falling = np.asarray(scores, np.float64)[order]
        last = np.flatnonzero(np.r_[falling[1:] != falling[:-1], np.ones(min(1, len(falling)), bool)])
        return cls(order, falling[last], last, np.asarray(yes, bool)[order])

    def curves(self, weights: np.ndarray | None = None) -> Curves:
        """weights: (D, P), how often each counts in each of D weightings; None: all once."""
        given = np.ones((1, len(self.order))) if weights is None else np.asarray(weights, np.float64)[:, self.order]
        accepted = np.cumsum(given * self.yes, axis=1)[:, self.last]
        alarms = np.cumsum(given * ~self.yes, axis=1)[:, self.last]
        return Curves(self.scores, accepted, alarms)


@dataclass(frozen=True)
class Curves:
    """D curves over T thresholds. accepted, alarms: float64 (D, T), weights of yes and no that score at least ``scores[t]``."""

    scores: np.ndarray
    accepted: np.ndarray
    alarms: np.ndarray

    @cached_property
    def tar(self) -> np.ndarray:
        """True acceptance rate (D, T); NaN where there is no yes."""
        return _shares(self.accepted)

    @cached_property
    def far(self) -> np.ndarray:
        """False acceptance rate (D, T); NaN where there is no no."""
        return _shares(self.alarms)

    @property
    def auc(self) -> np.ndarray:
        """(D,): area under the curve, equal scores count half."""
        tar, far = (np.pad(rate, ((0, 0), (1, 0))) for rate in (self.tar, self.far))
        area: np.ndarray = (np.diff(far, axis=1) * (tar[:, 1:] + tar[:, :-1]) / 2).sum(1)
        return area

    @property
    def eer(self) -> np.ndarray:
        """(D,): the rate at which false acceptances and false rejections are equal, on straight lines between thresholds."""
        tar, far = (np.pad(rate, ((0, 0), (1, 0))) for rate in (self.tar, self.far))
        gap = far - (1 - tar)  # from -1, rising, to 1
        known = ~np.isnan(gap).any(1)
        place = np.argmax(gap >= 0, axis=1)
        place = np.where(known, np.maximum(place, 1), 1)
        rows = np.arange(len(gap))
        before, after = gap[rows, place - 1], gap[rows, place]
        share = np.divide(-before, after - before, out=np.zeros_like(before), where=after > before)
        found = far[rows, place - 1] + share * (far[rows, place] - far[rows, place - 1])
        return np.where(known, found, math.nan)

    def tar_at(self, far: float) -> np.ndarray:
        """(D,): the largest true acceptance rate whose false acceptance rate is not above ``far``."""
        allowed = np.where(self.far <= far + 1e-12, self.tar, 0.0)
        best: np.ndarray = allowed.max(1) if allowed.shape[1] else np.full(len(allowed), math.nan)
        return np.where(np.isnan(self.tar).any(1) | np.isnan(self.far).any(1), math.nan, best)

    def threshold_at(self, far: float) -> float:
        """Of the first curve: halfway between the lowest score that keeps ``far`` and the next; above all scores where none does."""
        kept = int(np.searchsorted(self.far[0], far + 1e-12, side="right"))
        return self._between(kept)

    def best_threshold(self) -> float:
        """Of the first curve: where acceptance and rejection rates have the largest mean, the highest of equals; NaN without both.

        Halfway between the lowest score that is accepted and the next that counts.
        """
        worth = self.tar[0] - self.far[0]
        if not len(worth) or np.isnan(worth).any():
            return math.nan
        best = int(np.argmax(worth))
        counted = np.diff(self.accepted[0] + self.alarms[0], prepend=0.0) > 0
        after = np.flatnonzero(counted[best + 1 :])
        following = best + 1 + int(after[0]) if len(after) else best
        return float((self.scores[best] + self.scores[following]) / 2)

    def _between(self, kept: int) -> float:
        """Accepts the ``kept`` highest distinct scores."""
        if not len(self.scores):
            return math.nan
        if kept == 0:
            return float(np.nextafter(self.scores[0], np.inf))
        if kept == len(self.scores):
            return float(self.scores[-1])
        return float((self.scores[kept - 1] + self.scores[kept]) / 2)


def _shares(sums: np.ndarray) -> np.ndarray:
    if not sums.shape[1]:
        return sums
    total = sums[:, -1:]
    shares: np.ndarray = np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)
    return shares
