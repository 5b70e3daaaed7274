"""Curves made small: buckets of a long one, a bounded memory of one that grows, and a line of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCKS = "▁▂▃▄▅▆▇█"
STEEP = 10.0  # largest over smallest value from which a sparkline's height is the logarithm


@dataclass(frozen=True)
class Buckets:
    """A curve of N points in B ≤ N buckets of neighbours, nearly equal in number.

    first: int64 (B,), index of each bucket's first point. low, high, mean: float64 (B,) of its points that are not
    NaN; NaN where all are.
    """

    first: NDArray[np.int64]
    low: Floats
    high: Floats
    mean: Floats


def buckets(values: Sequence[float] | Floats, count: int) -> Buckets:
    """At most ``count`` buckets, so that no peak is lost however far one looks from. O(N), a few ms for a million
    points.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    curve = np.asarray(values, dtype=np.float64)
    size = len(curve)
    if size == 0:
        none = np.empty(0)
        return Buckets(np.empty(0, np.int64), none, none, none)
    count = min(count, size)
    first = np.arange(count, dtype=np.int64) * size // count
    low, high = np.fmin.reduceat(curve, first), np.fmax.reduceat(curve, first)
    sums = np.add.reduceat(curve, first)
    points = np.diff(first, append=size)
    if np.isnan(sums).any():  # NaN points, or +∞ beside −∞
        missing = np.isnan(curve)
        sums = np.add.reduceat(np.where(missing, 0.0, curve), first)
        points = points - np.add.reduceat(missing.astype(np.int64), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Buckets(first, low, high, sums / points)


def sparkline(values: Sequence[float] | Floats, width: int) -> str:
    """At most ``width`` block characters, the means of as many buckets; blank where nothing is finite.

    Heights are logarithms where all values are positive and differ more than tenfold, since a loss falls by factors.
    """
    if width < 1:
        return ""
    means = buckets(values, width).mean
    finite = np.isfinite(means)
    if not finite.any():
        return " " * len(means)
    low, high = means[finite].min(), means[finite].max()
    if low > 0 and high / low > STEEP:
        means, low, high = np.log(np.where(finite, means, 1.0)), np.log(low), np.log(high)
    # In halves, for the difference of two doubles may be no double.
    share = np.where(finite, means / 2 - low / 2, 0.0) / ((high / 2 - low / 2) or 1.0)
    levels = np.clip(np.rint(share * (len(BLOCKS) - 1)), 0, len(BLOCKS) - 1).astype(int)
    return "".join(BLOCKS[level] if known else " " for level, known in zip(levels, finite, strict=True))


class Trace:
    """A growing curve remembered as at most ``capacity`` means of equally many neighbouring points: memory never
    grows.
    """

    def __init__(self, capacity: int = 256) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError(f"capacity must be even and at least 2, not {capacity}")
        self.capacity, self.stride = capacity, 1
        self._means: Floats = np.empty(0)
        self._rest: Floats = np.empty(0)  # points of the bucket that isn't full yet

    def add(self, values: Sequence[float] | Floats) -> None:
        points = np.concatenate([self._rest, np.asarray(values, dtype=np.float64)])
        full = len(points) // self.stride * self.stride
        self._rest = points[full:]
        self._means = np.concatenate([self._means, _means(points[:full].reshape(-1, self.stride))])
        while len(self._means) > self.capacity:
            pairs = len(self._means) // 2 * 2
            if pairs < len(self._means):
                self._rest = np.concatenate([np.repeat(self._means[-1:], self.stride), self._rest])
            self._means = _means(self._means[:pairs].reshape(-1, 2))
            self.stride *= 2

    @property
    def means(self) -> Floats:
        """float64 (≤ capacity + 1,): the buckets, and last the one not yet full."""
        return np.append(self._means, _means(self._rest.reshape(1, -1))) if len(self._rest) else self._means


def _means(rows: Floats) -> Floats:
    """(N, M) → (N,), without the NaNs; NaN where there is nothing else."""
    known = ~np.isnan(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, rows, 0.0).sum(1) / known.sum(1), dtype=np.float64)
