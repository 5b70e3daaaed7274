"""McNemar's exact test: whether two classifiers judged on the same samples differ in accuracy."""

from __future__ import annotations

import math

import numpy as np


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided p-value in [0, 1] (McNemar 1947, exact binomial form).

    only_one, only_other: samples that only the one, only the other got right. Where both are 0 it is 1.
    """
    if min(only_one, only_other) < 0:
        raise ValueError("counts are not negative")
    total, less = only_one + only_other, min(only_one, only_other)
    if total == 0:
        return 1.0
    ways = np.array([math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) for k in range(less + 1)])
    largest = ways.max()
    tail = largest + math.log(float(np.exp(ways - largest).sum())) - total * math.log(2)
    return min(1.0, 2 * math.exp(tail))
