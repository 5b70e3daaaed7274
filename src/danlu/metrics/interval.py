"""Intervals of metrics: Wilson's for shares, the normal one for means, resampling for what is made of a confusion
matrix."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist

import numpy as np

Interval = tuple[float, float]


def quantile(confidence: float) -> float:
    """The normal quantile of a two-sided interval: 1.96 for 0.95. confidence: in (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, n: float, confidence: float) -> Interval:
    """Wilson's score interval of ``successes / n`` (Wilson 1927), inside [0, 1]; NaN without samples.

    Unlike ± z·√(p(1-p)/n) it keeps its confidence for shares near 0 and 1 and for few samples.
    """
    if n == 0:
        return math.nan, math.nan
    z = quantile(confidence)
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


Means = Callable[[np.ndarray, np.ndarray, np.ndarray], Mapping[str, np.ndarray]]
"""(hits, true, predicted), each (N, K): how many of each class → name → (N,)."""


def resampled(
    confusion: np.ndarray, means: Means, confidence: float, draws: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Percentile bootstrap (Efron 1979) of what ``means`` makes of a confusion matrix, int (K, K).

    Resampling samples with replacement is one multinomial draw over the matrix's filled cells, so that neither samples
    nor their order are needed. Deterministic: a generator of its own, with ``seed``. NaN without samples.
    """
    total = int(confusion.sum())
    if total == 0:
        none = np.zeros((1, len(confusion)))
        return dict.fromkeys(means(none, none, none), (math.nan, math.nan))
    parts: dict[str, list[np.ndarray]] = {}
    for counts in class_counts(confusion, draws, seed):
        for name, drawn in means(*counts).items():
            parts.setdefault(name, []).append(drawn)
    tail = (1 - confidence) / 2
    bounds = {name: np.quantile(np.concatenate(drawn), (tail, 1 - tail)) for name, drawn in parts.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def class_counts(
    confusion: np.ndarray, draws: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of (hits, true, predicted), each float64 (D, K), of ``draws`` resampled confusion matrices, int (K, K) not empty."""
    total = int(confusion.sum())
    rows, columns = np.nonzero(confusion)  # in the order of rows
    shares = confusion[rows, columns] / total
    by_column, diagonal = np.argsort(columns, kind="stable"), rows == columns
    rng = np.random.Generator(np.random.Philox(seed))
    block = max(1, min(draws, 4_000_000 // len(rows)))  # at most 32 MB at once
    for start in range(0, draws, block):
        cells = rng.multinomial(total, shares, min(block, draws - start))
        hits, true, predicted = (np.zeros((len(cells), len(confusion))) for _ in range(3))
        hits[:, rows[diagonal]] = cells[:, diagonal]
        for into, classes, counted in ((true, rows, cells), (predicted, columns[by_column], cells[:, by_column])):
            found, first = np.unique(classes, return_index=True)
            into[:, found] = np.add.reduceat(counted, first, axis=1)
        yield hits, true, predicted
