"""How well each class is found: precision, recall, F1 and support, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from danlu.metrics.interval import Interval, class_counts, wilson


@dataclass(frozen=True)
class ClassFigures:
    """One class. support: samples that are of it; predicted: samples taken for it; hits: both.

    precision, recall, f1 are NaN where undefined (nothing predicted, nothing there, neither), as scikit-learn's with
    ``zero_division=nan``. Intervals: Wilson's for the first two, percentile bootstrap for f1.
    """

    name: str
    support: int
    predicted: int
    hits: int
    precision: float
    precision_interval: Interval
    recall: float
    recall_interval: Interval
    f1: float
    f1_interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for NaN."""
        return asdict(self)


def class_table(
    matrix: np.ndarray, classes: Sequence[str], confidence: float = 0.95, draws: int = 1000
) -> list[ClassFigures]:
    """One row a class, in their order. matrix: int (K, K) of :func:`danlu.evaluation.confusion.confusion`."""
    hits, support, predicted = np.diagonal(matrix), matrix.sum(1), matrix.sum(0)
    bounds = _f1_bounds(matrix, confidence, draws)
    rows = []
    for place, name in enumerate(classes):
        hit, true, taken = int(hits[place]), int(support[place]), int(predicted[place])
        rows.append(
            ClassFigures(
                name=name,
                support=true,
                predicted=taken,
                hits=hit,
                precision=_share(hit, taken),
                precision_interval=wilson(hit, taken, confidence),
                recall=_share(hit, true),
                recall_interval=wilson(hit, true, confidence),
                f1=_share(2 * hit, true + taken),
                f1_interval=bounds[place],
            )
        )
    return rows


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _f1_bounds(matrix: np.ndarray, confidence: float, draws: int) -> list[Interval]:
    """Draws in which a class neither occurs nor is predicted say nothing of it."""
    if not matrix.sum():
        return [(math.nan, math.nan)] * len(matrix)
    blocks = []
    for hits, true, predicted in class_counts(matrix, draws):
        either = true + predicted
        blocks.append(np.divide(2 * hits, either, out=np.full(hits.shape, np.nan), where=either > 0))
    drawn = np.concatenate(blocks)
    tail = (1 - confidence) / 2
    bounds = []
    for column in drawn.T:
        sound = column[~np.isnan(column)]
        low, high = np.quantile(sound, (tail, 1 - tail)) if len(sound) else (math.nan, math.nan)
        bounds.append((float(low), float(high)))
    return bounds
