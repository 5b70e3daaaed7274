"""Area under the ROC curve, exact of as many samples as are commonly tested, else as a state of fixed size."""

from __future__ import annotations

import math

import numpy as np

from danlu.metrics.interval import Interval, quantile

EXACT = 1 << 17  # samples whose scores are kept
_BINS = 1 << 16
_REACH = 32.0  # log-odds; a float32 probability next to 0 or 1 lies within


class AUC:
    """Of up to 131,072 samples the scores themselves, in 1 MB; of more, counts of yes and no in 65,536 bins of the log-odds, each
    0.001 wide, in another.

    The area of binned scores is that of scores rounded to their bin: pairs of a yes and a no in one bin count half, as equal scores do.
    It is off by no more than :attr:`error`, half the share of such pairs, in practice a few 1e-4 at most.
    """

    def __init__(self, exact: int = EXACT) -> None:
        self._exact = exact
        self._scores = np.empty(0)
        self._yes = np.empty(0, bool)
        self._counts: np.ndarray | None = None
        self._unknown = 0

    def update(self, log_odds: np.ndarray, yes: np.ndarray) -> None:
        """log_odds: (B,), ±∞ allowed; a NaN, of a net that has none to give, makes :attr:`value` NaN. yes: bool (B,)."""
        known = ~np.isnan(log_odds)
        self._unknown += len(known) - int(known.sum())
        self._add(np.asarray(log_odds[known], np.float64), np.asarray(yes[known], bool))

    def merge(self, other: AUC) -> None:
        self._unknown += other._unknown
        if other._counts is None:
            self._add(other._scores, other._yes)
        else:
            self._bin()
            assert self._counts is not None
            self._counts += other._counts

    @property
    def value(self) -> float:
        """In [0, 1]; NaN without a yes or without a no."""
        no, yes = self._table()
        if self._unknown:
            return math.nan
        return float((yes * _below(no)).sum() / yes.sum()) if yes.any() and no.any() else math.nan

    @property
    def error(self) -> float:
        """By how much :attr:`value` may differ from the area of the unrounded scores, at most."""
        no, yes = self._table()
        if not yes.any() or not no.any():
            return math.nan
        return 0.0 if self._counts is None else float((yes.astype(np.float64) @ no) / yes.sum() / no.sum() / 2)

    def interval(self, confidence: float) -> Interval:
        """DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988), on the logit scale so that it stays in (0, 1)."""
        no, yes = self._table()
        value = self.value
        if yes.sum() < 2 or no.sum() < 2 or not 0 < value < 1:
            return (value, value) if value in (0.0, 1.0) else (math.nan, math.nan)
        variance = 0.0
        for own, other in ((yes, _below(no)), (no, 1 - _below(yes))):
            variance += float((own * np.square(other - value)).sum() / (own.sum() - 1) / own.sum())
        middle = math.log(value / (1 - value))
        half = quantile(confidence) * math.sqrt(variance) / (value * (1 - value))
        return 1 / (1 + math.exp(half - middle)), 1 / (1 + math.exp(-half - middle))

    def _add(self, scores: np.ndarray, yes: np.ndarray) -> None:
        """Whether scores are kept depends on how many there are in all, not on the order in which they come."""
        if self._counts is None and len(self._scores) + len(scores) <= self._exact:
            self._scores, self._yes = np.concatenate([self._scores, scores]), np.concatenate([self._yes, yes])
            return
        self._bin()
        assert self._counts is not None
        self._counts += _binned(scores, yes)

    def _bin(self) -> None:
        if self._counts is None:
            self._counts = _binned(self._scores, self._yes)
            self._scores, self._yes = self._scores[:0], self._yes[:0]

    def _table(self) -> np.ndarray:
        """int64 (2, S): how many no and yes there are of each score, by rising score."""
        if self._counts is not None:
            return self._counts
        found, place = np.unique(self._scores, return_inverse=True)
        return np.stack([np.bincount(place[self._yes == answer], minlength=len(found)) for answer in (False, True)])


def _binned(scores: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """int64 (2, bins)."""
    bins = np.rint((np.clip(scores, -_REACH, _REACH) + _REACH) * ((_BINS - 1) / (2 * _REACH))).astype(np.int64)
    return np.stack([np.bincount(bins[yes == answer], minlength=_BINS) for answer in (False, True)])


def _below(counts: np.ndarray) -> np.ndarray:
    """For each score: the share of ``counts`` below it, with half of those at it."""
    below: np.ndarray = (np.cumsum(counts) - counts / 2) / counts.sum()
    return below
