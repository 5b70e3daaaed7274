"""Area under the ROC curve as a state of fixed size."""

from __future__ import annotations

import math

import numpy as np

from danlu.metrics.interval import Interval, quantile

_BINS = 1 << 16
_REACH = 32.0  # log-odds; a float32 probability next to 0 or 1 lies within


class AUC:
    """Counts of yes and no in 65,536 bins of the log-odds, each 0.001 wide.

    The area is that of scores rounded to their bin: pairs of a yes and a no in one bin count half. It is off by no more
    than :attr:`error`, half the share of such pairs, in practice a few 1e-4 at most. Memory stays at 1 MB, whatever the
    number of samples.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, _BINS), np.int64)
        self._unknown = 0

    def update(self, log_odds: np.ndarray, yes: np.ndarray) -> None:
        """log_odds: (B,), ±∞ allowed; a NaN, of a net that has none to give, makes :attr:`value` NaN. yes: bool (B,)."""
        known = ~np.isnan(log_odds)
        self._unknown += len(known) - int(known.sum())
        log_odds, yes = log_odds[known], yes[known]
        place = (np.clip(log_odds, -_REACH, _REACH) + _REACH) * ((_BINS - 1) / (2 * _REACH))
        bins = np.rint(place).astype(np.int64)
        for answer in (0, 1):
            self._counts[answer] += np.bincount(bins[yes == answer], minlength=_BINS)

    def merge(self, other: AUC) -> None:
        self._counts += other._counts
        self._unknown += other._unknown

    @property
    def value(self) -> float:
        """In [0, 1]; NaN without a yes or without a no."""
        no, yes = self._counts
        if self._unknown:
            return math.nan
        return float((yes * self._below(no)).sum() / yes.sum()) if yes.any() and no.any() else math.nan

    @property
    def error(self) -> float:
        """By how much :attr:`value` may differ from the area of the unrounded scores, at most."""
        no, yes = self._counts
        return float((yes.astype(np.float64) @ no) / yes.sum() / no.sum() / 2) if yes.any() and no.any() else math.nan

    def interval(self, confidence: float) -> Interval:
        """DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988), on the logit scale so that it stays in (0, 1)."""
        no, yes = self._counts
        value = self.value
        if yes.sum() < 2 or no.sum() < 2 or not 0 < value < 1:
            return (value, value) if value in (0.0, 1.0) else (math.nan, math.nan)
        variance = 0.0
        for own, other in ((yes, self._below(no)), (no, 1 - self._below(yes))):
            variance += float((own * np.square(other - value)).sum() / (own.sum() - 1) / own.sum())
        middle = math.log(value / (1 - value))
        half = quantile(confidence) * math.sqrt(variance) / (value * (1 - value))
        return 1 / (1 + math.exp(half - middle)), 1 / (1 + math.exp(-half - middle))

    @staticmethod
    def _below(counts: np.ndarray) -> np.ndarray:
        """For each bin: the share of ``counts`` below it, with half of those in it."""
        below: np.ndarray = (np.cumsum(counts) - counts / 2) / counts.sum()
        return below
