"""Differences of any mergeable metric by leaving out groups: right on means, where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from danlu.metrics.bootstrap import interval, paired
from danlu.metrics.classification import Classification
from danlu.metrics.grouped import _student, difference
from danlu.metrics.regression import Regression
from danlu.metrics.sampled import of_numbers


def numbers(n: int, seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    true, common = rng.normal(size=n), rng.normal(size=n)
    one, other = (true + common + rng.normal(size=n) * scale for scale in (0.5, 0.2))
    return {"value": one}, {"value": other}, {"target": true}


def make() -> list[Regression]:
    return [Regression()]


def test_the_value_and_about_the_interval_of_the_bootstrap() -> None:
    one, other, truth = numbers(400)
    value, (low, high) = difference(make, "rmse", one, other, truth, 0.95)
    figures = [of_numbers(each["value"], truth["target"])["rmse"] for each in (one, other)]
    apart = paired(*figures)
    assert value == pytest.approx(apart.value, abs=1e-12)
    bounds = interval(apart, 0.95)
    assert high - low == pytest.approx(bounds[1] - bounds[0], rel=0.35)
    assert low < value < high


def test_with_one_sample_a_group_it_is_the_jackknife_of_a_mean() -> None:
    """For mse it is Student's interval of the mean difference of squared errors."""
    one, other, truth = numbers(30)
    value, (low, high) = difference(make, "mse", one, other, truth, 0.95, groups=30)
    apart = (other["value"] - truth["target"]) ** 2 - (one["value"] - truth["target"]) ** 2
    half = stats.t.ppf(0.975, 29) * apart.std(ddof=1) / math.sqrt(30)
    assert value == pytest.approx(apart.mean())
    assert (low, high) == pytest.approx((apart.mean() - half, apart.mean() + half), rel=1e-3)


@pytest.mark.slow
def test_it_covers() -> None:
    expected = math.sqrt(1.04) - math.sqrt(1.25)
    inside = []
    for seed in range(500):
        low, high = difference(make, "rmse", *numbers(300, seed), 0.95)[1]
        inside.append(low <= expected <= high)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_few_samples() -> None:
    truth = {"label": np.array([0, 1])}
    sure, wrong = {"probability": np.eye(2)}, {"probability": np.eye(2)[::-1]}
    value, bounds = difference(lambda: [Classification(2)], "accuracy", wrong, sure, truth, 0.95)
    assert value == 1.0
    assert bounds == (1.0, 1.0)
    one = {name: values[:1] for name, values in truth.items()}
    value, bounds = difference(
        lambda: [Classification(2)], "accuracy", wrong, {"probability": np.eye(2)[:1]}, one, 0.95
    )
    assert np.isnan(bounds).all()


def test_students_quantile() -> None:
    for freedom in (5, 9, 19, 100):
        for confidence in (0.9, 0.95, 0.99):
            assert _student(confidence, freedom) == pytest.approx(stats.t.ppf(0.5 + confidence / 2, freedom), rel=0.01)
