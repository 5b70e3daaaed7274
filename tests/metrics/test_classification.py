"""Classification equals scikit-learn, whatever the division of the samples, and its intervals hold."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from danlu.metrics.auc import AUC
from danlu.metrics.classification import Classification


def sample(
    n: int, classes: int, seed: int, skew: float = 1.0, dtype: Any = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.choice(classes, n, p=(share := np.arange(1, classes + 1) ** skew) / share.sum())
    logits = rng.normal(size=(n, classes)) * 1.5
    logits[np.arange(n), label] += 1
    probability = np.exp(logits - logits.max(1, keepdims=True))
    return (probability / probability.sum(1, keepdims=True)).astype(dtype), label


def measured(probability: np.ndarray, label: np.ndarray, classes: int) -> Classification:
    metric = Classification(classes)
    metric.update({"probability": probability}, {"label": label})
    return metric


def expected(probability: np.ndarray, label: np.ndarray, classes: int) -> dict[str, float]:
    predicted = probability.argmax(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = {
            "accuracy": reference.accuracy_score(label, predicted),
            "balanced-accuracy": reference.balanced_accuracy_score(label, predicted),
            "macro-f1": reference.f1_score(label, predicted, average="macro", zero_division=0),
            "log-loss": reference.log_loss(label, probability, labels=range(classes)),
        }
        if classes > 5:
            values["top5"] = reference.top_k_accuracy_score(label, probability, k=5, labels=range(classes))
        if classes == 2:
            values["auc"] = reference.roc_auc_score(label, probability[:, 1])
    return values


def test_no_torch_no_scikit_learn() -> None:
    code = (
        "import sys, danlu.metrics.classification, danlu.metrics.regression\n"
        "assert not {'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("classes", [2, 3, 5, 6, 20])
@pytest.mark.parametrize("skew", [0.0, 3.0])
def test_equals_scikit_learn(classes: int, skew: float) -> None:
    """With skew 3 some classes are hardly ever true."""
    probability, label = sample(300, classes, seed=classes, skew=skew)
    ours, theirs = measured(probability, label, classes).compute(), expected(probability, label, classes)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-9), name


def test_absent_classes_are_scikit_learns() -> None:
    """Class 3 is neither true nor predicted, class 2 only predicted, class 1 only true."""
    probability = np.eye(4)[[0, 0, 2, 0, 0]] * 0.6 + 0.1
    label = np.array([0, 0, 0, 1, 1])
    ours, theirs = measured(probability, label, 4).compute(), expected(probability, label, 4)
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert ours["balanced-accuracy"] == pytest.approx(1 / 3)


def test_certain_mistakes_are_clipped_as_in_scikit_learn() -> None:
    for dtype in (np.float32, np.float64):
        probability, label = np.array([[1, 0, 0], [0, 1, 0]], dtype), np.array([1, 1])
        theirs = reference.log_loss(label, probability, labels=range(3))
        assert measured(probability, label, 3).compute()["log-loss"] == pytest.approx(theirs, rel=1e-6)


def test_single_precision() -> None:
    probability, label = sample(300, 6, seed=1, dtype=np.float32)
    assert measured(probability, label, 6).compute() == pytest.approx(expected(probability, label, 6), rel=1e-6)


def test_ignored_labels_count_nothing() -> None:
    probability, label = sample(100, 4, seed=2)
    hidden = np.where(np.arange(100) % 3 == 0, -1, label)
    kept = hidden >= 0
    assert measured(probability, hidden, 4).compute() == measured(probability[kept], label[kept], 4).compute()


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_nothing_is_undefined(classes: int) -> None:
    for label in (np.zeros(0, int), np.full(3, -1)):
        metric = measured(np.full((len(label), classes), 1 / classes), label, classes)
        assert all(math.isnan(value) for value in metric.compute().values())
        assert all(math.isnan(bound) for bounds in metric.intervals(0.95).values() for bound in bounds)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    classes=st.sampled_from([2, 4, 7]),
    cuts=st.lists(st.integers(0, 80), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_any_division_and_any_order_of_merging(seed: int, classes: int, cuts: list[int], order: Any) -> None:
    probability, label = sample(80, classes, seed)
    label[seed % 80] = -1
    whole = measured(probability, label, classes)
    edges = [0, *sorted(cuts), 80]
    parts = [measured(probability[a:b], label[a:b], classes) for a, b in itertools.pairwise(edges)]
    order.shuffle(parts)
    merged, stream = Classification(classes), Classification(classes)
    for part in parts:
        merged.merge(part)
    for a, b in itertools.pairwise(edges):
        stream.update({"probability": probability[a:b]}, {"label": label[a:b]})
    for other in (merged, stream):
        assert np.array_equal(other.confusion, whole.confusion)
        assert other.compute() == pytest.approx(whole.compute(), abs=1e-12)
        assert other.intervals(0.9)["accuracy"] == whole.intervals(0.9)["accuracy"]
        assert other.intervals(0.9)["macro-f1"] == whole.intervals(0.9)["macro-f1"]


def test_ties_go_to_the_first_for_accuracy_and_top5_alike() -> None:
    probability = np.full((7, 7), 1 / 7)
    values = measured(probability, np.arange(7), 7).compute()
    assert values["accuracy"] == pytest.approx(1 / 7)
    assert values["top5"] == pytest.approx(5 / 7)


def test_confusion_has_true_rows() -> None:
    metric = measured(np.eye(3)[[0, 2, 2]], np.array([0, 1, 1]), 3)
    assert metric.confusion.tolist() == [[1, 0, 0], [0, 0, 2], [0, 0, 0]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(B, 3\)"):
        measured(np.zeros((2, 4)), np.zeros(2, int), 3)
    with pytest.raises(ValueError, match="label 3"):
        measured(np.full((1, 3), 1 / 3), np.array([3]), 3)
    with pytest.raises(ValueError, match="merged"):
        Classification(3).merge(Classification(4))


# ---- the area under the curve ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [0.05, 1.0, 10.0, 60.0])
def test_auc_is_within_its_own_bound(spread: float) -> None:
    """Also where scores crowd into few bins, or leave the range altogether."""
    rng = np.random.default_rng(0)
    yes = rng.random(4000) < 0.2
    score = rng.normal(size=4000) * spread + yes * spread
    auc = AUC(exact=0)
    auc.update(score, yes)
    truth = reference.roc_auc_score(yes, score)
    assert abs(auc.value - truth) <= auc.error + 1e-12
    if spread in (1.0, 10.0):
        assert auc.error < 2e-4


@pytest.mark.parametrize("ties", [False, True])
def test_auc_of_kept_scores_is_exact(ties: bool) -> None:
    rng = np.random.default_rng(2)
    score, yes = rng.normal(size=3000) * 20, rng.random(3000) < 0.3
    score = np.round(score / 10) if ties else score
    score[:3] = np.inf, -np.inf, np.inf
    auc = AUC()
    auc.update(score, yes)
    assert auc.value == pytest.approx(reference.roc_auc_score(yes, np.clip(score, -1e9, 1e9)), abs=1e-12)
    assert auc.error == 0


def test_auc_keeps_scores_or_bins_by_their_number_alone() -> None:
    rng = np.random.default_rng(3)
    score, yes = rng.normal(size=900), rng.random(900) < 0.5
    wholes = []
    for ends in ([900], [300, 600, 900], [10, 890, 900]):
        parts = []
        for begin, end in zip([0, *ends], ends, strict=False):
            parts.append(AUC(exact=899))
            parts[-1].update(score[begin:end], yes[begin:end])
        first, *others = parts
        for other in others:
            first.merge(other)
        wholes.append((first.value, first.error, first.interval(0.95)))
    assert wholes[0] == wholes[1] == wholes[2]
    assert wholes[0][1] > 0, "one sample too many to keep their scores"


def test_auc_on_scores_that_are_bins_is_exact() -> None:
    rng = np.random.default_rng(1)
    score, yes = rng.integers(-20, 20, 500).astype(float), rng.random(500) < 0.5
    auc = AUC(exact=0)
    auc.update(score, yes)
    assert auc.value == pytest.approx(reference.roc_auc_score(yes, score), abs=1e-9)


def test_auc_of_certainty() -> None:
    for predicted, value in ((1, 1.0), (0, 0.0)):
        metric = measured(np.eye(2)[[predicted, predicted, 1 - predicted]], np.array([1, 1, 0]), 2)
        assert metric.compute()["auc"] == value
    assert math.isnan(measured(np.eye(2)[[1, 0]], np.array([1, 1]), 2).compute()["auc"])


# ---- intervals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 6])
def test_intervals_hold_the_value_and_are_the_same_each_time(classes: int) -> None:
    metric = measured(*sample(400, classes, seed=3), classes)
    values, intervals = metric.compute(), metric.intervals(0.95)
    assert intervals.keys() == values.keys()
    assert intervals == metric.intervals(0.95)
    for name, (low, high) in intervals.items():
        assert low < values[name] < high, name
        wide = metric.intervals(0.99)[name]
        assert wide[0] < low < high < wide[1], name


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """90 % intervals over 300 samples of one distribution; a coverage of 84 to 96 % leaves room for chance."""
    big = measured(*sample(200_000, 2, seed=99), 2).compute()
    inside = dict.fromkeys(big, 0)
    for seed in range(300):
        for name, (low, high) in measured(*sample(150, 2, seed), 2).intervals(0.9).items():
            inside[name] += low <= big[name] <= high
    assert all(0.84 < count / 300 < 0.96 for count in inside.values()), inside


def test_many_classes_are_quick() -> None:
    metric = measured(*sample(2000, 500, seed=5), 500)
    low, high = metric.intervals(0.95)["macro-f1"]
    assert 0 <= low < high <= 1
