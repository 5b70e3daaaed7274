"""The difference of two predictors in any mergeable metric, with an interval by leaving out groups of samples.

For metrics that no sum over samples gives (average precision). Delete-a-group jackknife: Quenouille 1956; Shao & Tu, The
Jackknife and Bootstrap, 1995, section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval, quantile
from danlu.metrics.moments import Moments

GROUPS = 20

Make = Callable[[], Sequence[Metric]]  # fresh, empty metrics


def difference(
    make: Make, name: str, one: Columns, other: Columns, truth: Columns, confidence: float, groups: int = GROUPS
) -> tuple[float, Interval]:
    """(``other``'s value of ``name`` - ``one``'s, its interval) on the same N samples; NaN bounds for fewer than two groups.

    Columns: ndarray (N, …) or lists of N. Sample i is in group i modulo ``groups``: neighbours are apart. Where a metric names a
    ``unit``, so are its values instead of the samples.
    """
    total = len(next(iter({**truth, **one}.values())))
    place = np.arange(total)
    beside = {**one, **truth}
    column = next((metric.unit for metric in make() if metric.unit in beside), None)
    if column is not None:
        place = np.unique(np.asarray(beside[column]), return_inverse=True)[1].reshape(-1)
    groups = min(groups, int(place.max()) + 1 if total else 0)
    states = [
        [_states(make, columns, truth, np.flatnonzero(place % groups == start)) for start in range(groups)]
        for columns in (one, other)
    ]

    def apart(left_out: int) -> float:
        first, second = (
            _merged(make, [state for place, state in enumerate(each) if place != left_out])[name] for each in states
        )
        return second - first

    value = apart(-1)
    without = np.asarray([apart(place) for place in range(groups)]) if groups > 1 else np.full(1, np.nan)
    without = without[~np.isnan(without)]
    count = len(without)
    if count < 2:
        return value, (math.nan, math.nan)
    spread = math.sqrt((count - 1) / count * float(np.square(without - without.mean()).sum()))
    half = _student(confidence, count - 1) * spread
    return value, (value - half, value + half)


def paired(
    make: Make, name: str, one: Columns, other: Columns, truth: Columns, confidence: float
) -> tuple[float, Interval] | None:
    """:func:`difference` of a value that is a mean over units (users): exact, whatever their number; None where it is none."""
    found = []
    for columns in (one, other):
        for metric in make():
            metric.update(columns, truth)
            each = metric.by_unit(name)
            if each is not None:
                found.append(each)
    if len(found) != 2 or not np.array_equal(found[0][0], found[1][0]):
        return None
    apart = Moments()
    apart.update(found[1][1] - found[0][1])
    return apart.value, apart.interval(confidence)


def _states(make: Make, predictions: Columns, truth: Columns, rows: np.ndarray) -> Sequence[Metric]:
    metrics = make()
    for metric in metrics:
        metric.update(_some(predictions, rows), _some(truth, rows))
    return metrics


def _merged(make: Make, states: Sequence[Sequence[Metric]]) -> dict[str, float]:
    metrics = make()
    values: dict[str, float] = {}
    for place, metric in enumerate(metrics):
        for state in states:
            metric.merge(state[place])
        values |= metric.compute()
    return values


def _some(columns: Columns, rows: np.ndarray) -> dict[str, Any]:
    return {
        name: values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
        for name, values in columns.items()
    }


def _student(confidence: float, freedom: int) -> float:
    """Student's quantile of a two-sided interval, from the normal one (Fisher & Cornish 1960); right to 1 % from 5 degrees on."""
    z = quantile(confidence)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
