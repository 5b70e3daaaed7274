"""Regression equals scikit-learn, whatever the division of the samples."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from danlu.metrics.interval import wilson
from danlu.metrics.moments import Moments
from danlu.metrics.regression import Regression


def measured(predicted: Any, true: Any) -> Regression:
    metric = Regression()
    metric.update({"value": np.asarray(predicted)}, {"target": np.asarray(true)})
    return metric


def sample(n: int, seed: int, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n) * 3 + offset
    return true + rng.normal(size=n), true


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_equals_scikit_learn(offset: float) -> None:
    predicted, true = sample(500, 0, offset)
    values = measured(predicted, true).compute()
    assert values["mse"] == pytest.approx(reference.mean_squared_error(true, predicted), rel=1e-12)
    assert values["rmse"] == pytest.approx(reference.root_mean_squared_error(true, predicted), rel=1e-12)
    assert values["mae"] == pytest.approx(reference.mean_absolute_error(true, predicted), rel=1e-12)
    assert values["r2"] == pytest.approx(reference.r2_score(true, predicted), abs=1e-9)


def test_targets_that_do_not_vary() -> None:
    assert measured([2, 2, 2], [2, 2, 2]).compute()["r2"] == reference.r2_score([2, 2, 2], [2, 2, 2]) == 1
    assert measured([2, 2, 3], [2, 2, 2]).compute()["r2"] == reference.r2_score([2, 2, 2], [2, 2, 3]) == 0


def test_unknown_targets_and_nothing() -> None:
    predicted, true = sample(20, 1)
    hidden = np.where(np.arange(20) < 5, np.nan, true)
    assert measured(predicted, hidden).compute() == measured(predicted[5:], true[5:]).compute()
    assert all(math.isnan(value) for value in measured([], []).compute().values())
    assert math.isnan(measured([1.0], [2.0]).compute()["r2"])
    assert all(math.isnan(bound) for bounds in measured([1.0], [2.0]).intervals(0.9).values() for bound in bounds)


def test_shapes_are_not_broadcast() -> None:
    with pytest.raises(ValueError, match="shape"):
        measured(np.zeros((3, 1)), np.zeros(3))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(0, 50), max_size=5),
    offset=st.sampled_from([0.0, -1e4]),
    order=st.randoms(use_true_random=False),
)
def test_any_division_and_any_order_of_merging(seed: int, cuts: list[int], offset: float, order: Any) -> None:
    predicted, true = sample(50, seed, offset)
    edges = [0, *sorted(cuts), 50]
    parts = [measured(predicted[a:b], true[a:b]) for a, b in itertools.pairwise(edges)]
    order.shuffle(parts)
    merged = Regression()
    for part in parts:
        merged.merge(part)
    assert merged.compute() == pytest.approx(measured(predicted, true).compute(), rel=1e-10)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.integers(0, 40))
def test_moments_are_numpys(numbers: list[float], cut: int) -> None:
    moments, other = Moments(), Moments()
    moments.update(np.array(numbers[:cut]))
    other.update(np.array(numbers[cut:]))
    moments.merge(other)
    assert moments.n == len(numbers)
    assert moments.mean == pytest.approx(np.mean(numbers), abs=1e-9)
    assert moments.squares == pytest.approx(np.var(numbers) * len(numbers), abs=1e-6, rel=1e-9)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth = {"mse": 1.0, "rmse": 1.0, "mae": math.sqrt(2 / math.pi)}
    inside = dict.fromkeys(truth, 0)
    for seed in range(300):
        for name, (low, high) in measured(*sample(120, seed)).intervals(0.9).items():
            inside[name] += low <= truth[name] <= high
    assert all(0.83 < count / 300 < 0.96 for count in inside.values()), inside


# ---- means of shares ------------------------------------------------------------------------------------------------


def share(numbers: list[float]) -> tuple[float, float]:
    moments = Moments()
    moments.update(np.array(numbers, np.float64))
    return moments.share_interval(0.95)


def test_the_interval_of_zeros_and_ones_is_wilsons() -> None:
    assert share([1.0] * 15 + [0.0] * 3) == pytest.approx(wilson(15, 18, 0.95), abs=1e-12)
    assert share([1.0] * 18) == wilson(18, 18, 0.95)
    assert share([0.5] * 18) == wilson(9, 18, 0.95)
    assert all(math.isnan(bound) for bound in share([]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_interval_of_a_mean_of_shares_lies_between_0_and_1_and_holds_it(numbers: list[float]) -> None:
    low, high = share(numbers)
    assert 0 <= low <= np.mean(numbers) + 1e-9
    assert np.mean(numbers) - 1e-9 <= high <= 1


def test_the_interval_of_a_mean_of_shares_covers_and_is_narrower_than_that_of_counts() -> None:
    rng = np.random.default_rng(0)
    values, shares = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.2, 0.7])
    drawn = [rng.choice(values, 30, p=shares) for _ in range(2000)]
    found = np.array([share(each.tolist()) for each in drawn])
    truth = float(values @ shares)
    assert 0.92 < np.mean((found[:, 0] <= truth) & (truth <= found[:, 1])) < 0.98
    counted = np.array([wilson(each.sum(), 30, 0.95) for each in drawn])
    assert (np.diff(found) <= np.diff(counted) + 1e-12).all()
