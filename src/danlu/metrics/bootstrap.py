"""Intervals of any figure by resampling samples, and of the difference of two figures on the same samples.

Percentile and BCa: Efron 1979 and 1987, as in Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from danlu.metrics.interval import Interval, quantile

Weighted = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(weights float64 (D, C), features (C, M)) → float64 (D,): the figure where sample c counts ``weights[d, c]`` times."""

DRAWS = 2000
_FEW = 200  # draws where samples are so many that the figure is as good as normal
_MANY = 20_000  # different samples from which that holds
_AT_ONCE = 4_000_000  # numbers in a block: 32 MB
_GROUPS = 500  # of samples left out together, for the acceleration of BCa


@dataclass(frozen=True)
class Figure:
    """A number made of samples that can be weighted.

    features: float64 (N, M), all that the figure looks at. of: see :data:`Weighted`; NaN where it is undefined.
    """

    features: np.ndarray
    of: Weighted

    @property
    def value(self) -> float:
        """All samples counted once; NaN without samples."""
        if not len(self.features):
            return math.nan
        return float(self.of(np.ones((1, len(self.features))), self.features)[0])


def interval(
    figure: Figure,
    confidence: float,
    *,
    method: Literal["bca", "percentile"] = "bca",
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Bounds at ``confidence``; deterministic. NaN for fewer than two samples.

    Beyond 20,000 different samples: the normal interval with the standard error of 200 draws, which says the same and stays quick.
    """
    if len(figure.features) < 2:
        return math.nan, math.nan
    cells, counts = _alike(figure.features)
    value = float(figure.of(counts[None].astype(np.float64), cells)[0])
    if math.isnan(value):
        return math.nan, math.nan
    many = len(cells) > _MANY
    drawn = _drawn(figure.of, cells, counts, _FEW if many else draws, seed)
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return math.nan, math.nan
    if many:
        half = quantile(confidence) * float(drawn.std(ddof=1))
        return value - half, value + half
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    if method == "bca":
        tails = _corrected(tails, value, drawn, _accelerated(figure.of, cells, counts, seed))
    low, high = np.quantile(drawn, tails)
    return float(low), float(high)


def paired(one: Figure, other: Figure) -> Figure:
    """``other`` - ``one`` as a figure of the same samples, so that what both find hard cancels. Same N, same order."""
    if len(one.features) != len(other.features):
        raise ValueError(f"{len(one.features)} and {len(other.features)} samples are not the same ones")
    width = one.features.shape[1]

    def difference(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
        return other.of(weights, features[:, width:]) - one.of(weights, features[:, :width])

    return Figure(np.concatenate([one.features, other.features], axis=1), difference)


def _alike(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(different rows (C, M), how often each occurs int64 (C,)), in an order that depends on the values alone."""
    cells, counts = np.unique(features, axis=0, return_counts=True)
    return cells, counts


def _drawn(of: Weighted, cells: np.ndarray, counts: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """float64 (draws,): the figure of samples drawn with replacement."""
    found = [of(weights, cells) for weights in _weights(counts, draws, seed)]
    return np.concatenate(found)


def _weights(counts: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks (D, C) of how often each cell is drawn, N draws each. A generator of its own, with ``seed``."""
    rng = np.random.Generator(np.random.Philox(seed))
    total, width = int(counts.sum()), len(counts)
    sparse = total > 4 * width
    block = max(1, min(draws, _AT_ONCE // (width if sparse else total)))
    owner = np.empty(0, np.int64) if sparse else np.repeat(np.arange(width), counts)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        if sparse:
            yield rng.multinomial(total, counts / total, size).astype(np.float64)
        else:
            chosen = rng.integers(0, total, (size, total))
            chosen = (chosen if total == width else owner[chosen]) + np.arange(size)[:, None] * width
            yield np.bincount(chosen.reshape(-1), minlength=size * width).reshape(size, width).astype(np.float64)


def _accelerated(of: Weighted, cells: np.ndarray, counts: np.ndarray, seed: int) -> float:
    """BCa's acceleration: the skewness of the figure without a few samples at a time, over 6·√groups."""
    rng = np.random.Generator(np.random.Philox(seed + 1))
    total, width = int(counts.sum()), len(counts)
    if width <= _GROUPS:  # each sample alone; those that are alike at once
        groups = np.eye(width)
        times = counts.astype(np.float64)
    else:
        owner = rng.permutation(np.repeat(np.arange(width), counts))
        number = min(_GROUPS, total)
        which = np.arange(total) * number // total
        groups = np.bincount(which * width + owner, minlength=number * width).reshape(number, width).astype(np.float64)
        times = np.ones(number)
    step = max(1, _AT_ONCE // width)
    without = np.concatenate(
        [of(counts - groups[start : start + step], cells) for start in range(0, len(groups), step)]
    )
    sound = ~np.isnan(without)
    without, times = without[sound], times[sound]
    if not times.sum():
        return 0.0
    apart = (without * times).sum() / times.sum() - without
    spread = float((times * apart**2).sum())
    return float((times * apart**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0


def _corrected(tails: tuple[float, float], value: float, drawn: np.ndarray, acceleration: float) -> tuple[float, float]:
    """The tails that BCa reads the draws at. Draws equal to the figure count half below it."""
    normal = NormalDist()
    below = float((drawn < value).mean() + (drawn == value).mean() / 2)
    below = min(max(below, 0.5 / len(drawn)), 1 - 0.5 / len(drawn))
    bias = normal.inv_cdf(below)

    def moved(tail: float) -> float:
        reach = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + reach / max(1 - acceleration * reach, 1e-3))

    return moved(tails[0]), moved(tails[1])
