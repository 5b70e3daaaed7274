"""Reliability, Brier score and temperature against scikit-learn, scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from danlu.evaluation.calibration import calibration, mended, reliability, temperature
from danlu.evaluation.predictions import ClassPredictions
from danlu.metrics.interval import wilson
from tests.evaluation.made import CASES, answered


@pytest.mark.parametrize("mass", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_bins_are_scikit_learns(mass: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random(300)
    if seed % 2:
        probability = np.round(probability, 1)  # ties, many of them on the edges
    outcome = rng.random(300) < probability
    right, sure = calibration_curve(outcome, probability, n_bins=10, strategy="quantile" if mass else "uniform")
    bins = reliability(probability, outcome, 10, mass=mass)
    np.testing.assert_allclose([one.sure for one in bins], sure, atol=1e-12)
    np.testing.assert_allclose([one.right for one in bins], right, atol=1e-12)
    assert sum(one.count for one in bins) == 300
    for one in bins:
        assert one.low - 1e-12 <= one.sure <= one.high + 1e-12
        assert one.interval == wilson(round(one.right * one.count), one.count, 0.95)


@pytest.mark.parametrize("case", CASES)
def test_brier_and_log_loss_are_scikit_learns(case: str) -> None:
    predictions, probability, label = answered(**CASES[case])
    found, size = calibration(predictions), probability.shape[1]
    labels = list(range(size))
    given = probability[:, 1] if size == 2 else probability
    assert found.brier == pytest.approx(brier_score_loss(label, given, labels=labels), abs=1e-6)
    wide = probability.astype(np.float64)
    assert found.log_loss == pytest.approx(log_loss(label, wide / wide.sum(1, keepdims=True), labels=labels), abs=1e-6)


def test_the_error_by_hand() -> None:
    """Ten answers at .75 of which 6 are right, ten at .95 of which all are: ECE = .5·.15 + .5·.05."""
    probability = np.array([[0.75, 0.25]] * 10 + [[0.95, 0.05]] * 10)
    label = np.array([0] * 6 + [1] * 4 + [0] * 10)
    predictions = ClassPredictions.of([str(i) for i in range(20)], probability, label, ["a", "b"])
    found = calibration(predictions, bins=10)
    assert found.ece == pytest.approx(0.1)
    assert found.mass_ece == pytest.approx(0.1)
    assert [one.count for one in found.bins] == [10, 10]
    assert (found.sure, found.right) == (pytest.approx(0.85), 0.8)


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_temperature_has_the_least_loss(heat: float) -> None:
    """Labels drawn from softmax(z), probabilities told as softmax(heat·z): the temperature finds heat again."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(4000, 5)) * 1.5
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    label = (chance.cumsum(1) > rng.random((4000, 1))).argmax(1)
    told = np.exp(heat * logits)
    told /= told.sum(1, keepdims=True)
    predictions = ClassPredictions.of([str(i) for i in range(4000)], told, label, list("abcde"), "val")

    def loss(log_heat: float) -> float:
        scaled = np.log(told) / math.exp(log_heat)
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(4000), label]).mean())

    best = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    found = temperature(predictions)
    assert found == pytest.approx(math.exp(best.x), rel=1e-6)
    assert found == pytest.approx(heat, rel=0.1)
    after = mended(predictions, predictions)
    assert after.fitted_on == "val"
    assert after.after.log_loss == pytest.approx(best.fun, abs=1e-9)
    assert after.after.log_loss <= calibration(predictions).log_loss + 1e-12
    assert after.after.right == calibration(predictions).right, "no predicted class changes"
    if heat != 1.0:
        assert after.after.ece < calibration(predictions).ece / 2


def test_temperature_at_its_bounds() -> None:
    """Always right asks for no heat at all, always surely wrong for all there is; probabilities of 0 are no trouble."""
    sure = np.array([[1.0, 0.0]] * 5, np.float32)
    ids = list("abcde")
    assert temperature(ClassPredictions.of(ids, sure, np.zeros(5), ["x", "y"])) == 0.01
    assert temperature(ClassPredictions.of(ids, sure, np.ones(5), ["x", "y"])) == 100.0
    assert temperature(ClassPredictions.of([], sure[:0], np.zeros(0), ["x", "y"])) == 1.0


def test_nothing_to_judge() -> None:
    found = calibration(ClassPredictions.of([], np.empty((0, 3)), np.empty(0), list("abc")))
    assert found.bins == found.mass_bins == ()
    assert np.isnan([found.ece, found.mass_ece, found.brier, found.log_loss, found.sure]).all()
