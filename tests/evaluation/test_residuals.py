"""Figures of predicted numbers are scikit-learn's; residuals and groups by closed form."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from danlu.evaluation.predictions import NumberPredictions
from danlu.evaluation.residuals import SHARES, residuals


def numbers(n: int = 300, flat: bool = False) -> NumberPredictions:
    rng = np.random.default_rng(0)
    true = np.full(n, 2.0) if flat else rng.normal(size=n) * 3
    return NumberPredictions([str(i) for i in range(n)], true, true * 0.9 + 0.2 + rng.normal(size=n))


@pytest.mark.parametrize("flat", [False, True])
def test_figures_are_scikit_learns(flat: bool) -> None:
    predictions = numbers(flat=flat)
    found = residuals(predictions)
    true, predicted = predictions.true, predictions.predicted
    expected = {
        "mse": reference.mean_squared_error(true, predicted),
        "rmse": reference.root_mean_squared_error(true, predicted),
        "mae": reference.mean_absolute_error(true, predicted),
        "r2": reference.r2_score(true, predicted),
        "bias": (predicted - true).mean(),
    }
    assert found.values == pytest.approx(expected, abs=1e-9)
    for name, (low, high) in found.intervals.items():
        assert low <= found.values[name] <= high


def test_residuals_and_groups() -> None:
    predictions = numbers()
    found = residuals(predictions, bins=7)
    assert found.quantiles == pytest.approx(dict(zip(SHARES, np.quantile(predictions.residual, SHARES), strict=True)))
    assert sum(group["count"] for group in found.bins) == 300
    means = [group["predicted"] for group in found.bins]
    assert means == sorted(means)
    assert np.average([g["true"] for g in found.bins], weights=[g["count"] for g in found.bins]) == pytest.approx(
        predictions.true.mean()
    )
    assert json.dumps(found.as_dict())


def test_nothing_and_next_to_nothing() -> None:
    empty = residuals(NumberPredictions([], np.empty(0), np.empty(0)))
    assert np.isnan(list(empty.values.values())).all()
    assert empty.bins == ()
    one = residuals(NumberPredictions(["a"], np.array([1.0]), np.array([1.5])))
    assert one.values["mae"] == 0.5
    assert np.isnan(one.values["r2"])
    assert np.isnan(one.intervals["mae"]).all()
