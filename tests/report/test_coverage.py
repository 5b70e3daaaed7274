"""The intervals that a report prints hold the truth as often as they say: 95 of 100 times, on 500 simulated sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from sklearn import metrics

from danlu.evaluation.classes import class_table
from danlu.evaluation.predictions import NumberPredictions
from danlu.evaluation.residuals import residuals
from danlu.metrics.classification import Classification
from danlu.metrics.regression import Regression

SETS, SAMPLES = 500, 400
Bounds = Mapping[str, tuple[float, float]]


def answered(draw: np.random.Generator, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes of unequal size; right about two times of three."""
    shares = np.arange(classes, 0, -1) / np.arange(1, classes + 1).sum()
    label = draw.choice(classes, rows, p=shares)
    logits = draw.normal(size=(rows, classes))
    logits[np.arange(rows), label] += 1.6
    probability = np.exp(logits)
    return (probability / probability.sum(1, keepdims=True)).astype(np.float32), label


def classification(draw: np.random.Generator, classes: int) -> Bounds:
    """As the headline and the class table print them."""
    probability, label = answered(draw, SAMPLES, classes)
    metric = Classification(classes)
    metric.update({"probability": probability}, {"label": label})
    found = dict(metric.intervals(0.95))
    for place, one in enumerate(class_table(metric.confusion, list("abcdefgh")[:classes])):
        found |= {f"{place}/precision": one.precision_interval, f"{place}/recall": one.recall_interval}
        found[f"{place}/f1"] = one.f1_interval
    return found


def class_truth(classes: int) -> dict[str, float]:
    """Of two million samples, by scikit-learn."""
    probability, label = answered(np.random.default_rng(99), 2_000_000, classes)
    predicted = probability.argmax(1)
    wide = probability.astype(np.float64)
    found = {
        "accuracy": metrics.accuracy_score(label, predicted),
        "balanced-accuracy": metrics.balanced_accuracy_score(label, predicted),
        "macro-f1": metrics.f1_score(label, predicted, average="macro"),
        "log-loss": metrics.log_loss(label, wide / wide.sum(1, keepdims=True)),
    }
    if classes == 2:
        found["auc"] = metrics.roc_auc_score(label, probability[:, 1])
    if classes > 5:
        found["top5"] = metrics.top_k_accuracy_score(label, probability, k=5)
    by_class = metrics.precision_recall_fscore_support(label, predicted)
    for name, values in zip(("precision", "recall", "f1"), by_class, strict=False):
        found |= {f"{place}/{name}": float(value) for place, value in enumerate(values)}
    return found


def numbers(draw: np.random.Generator) -> Bounds:
    """As the headline and the section of residuals print them. True numbers have variance 4; 1 of it is not known, and a bias of .2."""
    known, noise = draw.normal(size=(2, SAMPLES))
    true, predicted = math.sqrt(3) * known + noise, math.sqrt(3) * known + 0.2
    metric = Regression(prediction="y", target="y")
    metric.update({"y": predicted}, {"y": true})
    found = dict(metric.intervals(0.95))
    bounds = residuals(NumberPredictions([""] * SAMPLES, true, predicted)).intervals
    return found | {f"residuals/{name}": pair for name, pair in bounds.items()}


def number_truth() -> dict[str, float]:
    """E|N(.2, 1)| by the folded normal's formula."""
    mae = math.sqrt(2 / math.pi) * math.exp(-0.02) + 0.2 * math.erf(0.2 / math.sqrt(2))
    found = {"mse": 1.04, "rmse": math.sqrt(1.04), "mae": mae, "r2": 1 - 1.04 / 4, "bias": 0.2}
    return found | {f"residuals/{name}": value for name, value in found.items()}


CASES: dict[str, tuple[Callable[[np.random.Generator], Bounds], Callable[[], dict[str, float]]]] = {
    "two classes": (lambda draw: classification(draw, 2), lambda: class_truth(2)),
    "seven classes": (lambda draw: classification(draw, 7), lambda: class_truth(7)),
    "numbers": (numbers, number_truth),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_the_truth_as_often_as_they_say(case: str) -> None:
    make, truths = CASES[case]
    truth = truths()
    inside = {name: [] for name in make(np.random.default_rng(0))}
    for index in range(SETS):
        for name, (low, high) in make(np.random.default_rng([7, index])).items():
            inside[name].append(low <= truth[name] <= high)
    coverage = {name: float(np.mean(found)) for name, found in inside.items()}
    assert all(0.93 <= share <= 0.97 for share in coverage.values()), coverage
