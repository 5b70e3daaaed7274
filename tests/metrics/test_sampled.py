"""Figures of single samples equal the metrics (and so scikit-learn), also where samples are counted several times."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from danlu.metrics.answers import Answers
from danlu.metrics.bootstrap import Figure
from danlu.metrics.classification import Classification
from danlu.metrics.regression import Regression
from danlu.metrics.sampled import of_classes, of_numbers


def made(n: int, classes: int, seed: int = 0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes))
    probability = np.exp(np.round(logits) if ties else logits)
    return (probability / probability.sum(1, keepdims=True)).astype(np.float32), rng.integers(0, classes, n)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "classes"), [(200, 2), (200, 4), (300, 12), (5, 12), (1, 3)])
def test_values_are_those_of_the_metric(n: int, classes: int, ties: bool) -> None:
    probability, label = made(n, classes, ties=ties)
    metric = Classification(classes)
    metric.update({"probability": probability}, {"label": label})
    figures = of_classes(Answers.of(probability, label))
    for name, value in metric.compute().items():
        if name != "auc":
            assert figures[name].value == pytest.approx(value, abs=1e-12, nan_ok=True), name
    if classes == 2:
        assert figures["auc"].value == pytest.approx(reference.roc_auc_score(label, probability[:, 1]), abs=1e-9)


def test_values_of_numbers_are_those_of_the_metric() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=100), rng.normal(size=100)
    true[7] = np.nan
    metric = Regression()
    metric.update({"value": predicted}, {"target": true})
    figures = of_numbers(predicted, true)
    assert {name: figures[name].value for name in metric.compute()} == pytest.approx(metric.compute(), abs=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "balanced-accuracy", "macro-f1", "log-loss", "brier", "auc"])
def test_a_weight_is_so_many_copies_of_a_sample(name: str) -> None:
    probability, label = made(40, 2, ties=True)
    weights = np.random.default_rng(1).integers(0, 4, (3, 40))
    figure = of_classes(Answers.of(probability, label))[name]
    for row, got in zip(weights, figure.of(weights.astype(float), figure.features), strict=True):
        copied = np.repeat(np.arange(40), row)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = of_classes(Answers.of(probability[copied], label[copied]))[name].value
        assert got == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("name", ["mse", "rmse", "mae", "r2", "bias"])
def test_a_weight_is_so_many_copies_of_a_number(name: str) -> None:
    rng = np.random.default_rng(2)
    true, predicted = rng.normal(size=30) + 5, rng.normal(size=30) + 5
    weights = rng.integers(0, 4, (3, 30))
    figure = of_numbers(predicted, true)[name]
    for row, got in zip(weights, figure.of(weights.astype(float), figure.features), strict=True):
        copied = np.repeat(np.arange(30), row)
        assert got == pytest.approx(of_numbers(predicted[copied], true[copied])[name].value, abs=1e-9)


def test_the_log_loss_clips_as_the_metric_does() -> None:
    """By the dtype of the probabilities: one certain mistake is not infinite."""
    probability = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    value = of_classes(Answers.of(probability, np.array([0, 0])))["log-loss"].value
    eps = float(np.finfo(np.float32).eps)
    assert value == pytest.approx(-(np.log(eps) + np.log(1 - eps)) / 2, rel=1e-6)


def test_no_samples_have_no_figures() -> None:
    figures = of_classes(Answers.of(np.empty((0, 3)), np.empty(0)))
    assert all(np.isnan(figure.value) for figure in figures.values())
    assert all(isinstance(figure, Figure) for figure in figures.values())


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 classes"):
        Answers.of(np.full((1, 3), 1 / 3), np.array([3]))
