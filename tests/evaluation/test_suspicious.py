"""Planted label errors are found, and of sound labels few are doubted."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from danlu.evaluation.predictions import ClassPredictions, NumberPredictions
from danlu.evaluation.suspicious import suspicious, worst
from tests.evaluation.made import answered


def out_of_fold(values: np.ndarray, label: np.ndarray, neighbours: int = 10) -> np.ndarray:
    """float64 (N, K): shares of labels among nearest neighbours in other folds; no sample judges itself."""
    probability = np.zeros((len(label), 10))
    for train, held in StratifiedKFold(5, shuffle=True, random_state=0).split(values, label):
        apart = (values[held] ** 2).sum(1)[:, None] - 2 * values[held] @ values[train].T + (values[train] ** 2).sum(1)
        near = np.argpartition(apart, neighbours, axis=1)[:, :neighbours]
        for digit in range(10):
            probability[held, digit] = (label[train][near] == digit).mean(1)
    return probability


def planted(share: float, seed: int = 0) -> tuple[ClassPredictions, set[str], np.ndarray]:
    """Digits of which a share has another label; ids of those."""
    values, label = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(label), round(share * len(label)), replace=False)
    given = label.copy()
    given[wrong] = (label[wrong] + rng.integers(1, 10, len(wrong))) % 10
    ids = [str(row) for row in range(len(label))]
    names = [str(digit) for digit in range(10)]
    probability = out_of_fold(values / 16, given)
    return ClassPredictions.of(ids, probability, given, names, "folds"), {str(row) for row in wrong}, label


@pytest.mark.parametrize(("share", "precise"), [(0.02, 0.6), (0.1, 0.85), (0.2, 0.9)])
def test_planted_errors_are_found(share: float, precise: float) -> None:
    predictions, wrong, label = planted(share)
    found = suspicious(predictions)
    doubted = {one.id for one in found.suspects}
    assert len(doubted & wrong) / len(wrong) >= 0.9
    assert len(doubted & wrong) / len(doubted) >= precise
    assert found.estimated == pytest.approx(len(wrong), abs=0.02 * len(label))
    confident = {one.id for one in found.suspects if one.confident}
    assert len(confident & wrong) / len(confident) >= precise
    suggested = [one.suggested == str(label[int(one.id)]) for one in found.suspects if one.id in wrong]
    assert np.mean(suggested) > 0.95
    margins = [one.margin for one in found.suspects]
    assert margins == sorted(margins, reverse=True)
    assert min(margins) > 0


def test_sound_labels_are_hardly_doubted() -> None:
    predictions, _, label = planted(0.0)
    assert len(suspicious(predictions).suspects) <= 0.01 * len(label)


def test_the_joint_has_the_shares_of_the_labels() -> None:
    predictions, _, label = answered(500, classes=5, only=(0, 1, 3))
    joint = suspicious(predictions).joint
    np.testing.assert_allclose(joint.sum(1) * 500, np.bincount(label, minlength=5), atol=1e-9)


def test_blocks_make_no_difference() -> None:
    predictions, probability, _ = answered(300)
    cuts = [0, 7, 8, 150, 300]
    pieces = [(np.arange(a, b), probability[a:b]) for a, b in pairwise(cuts)]
    in_pieces = ClassPredictions(predictions.ids, predictions.classes, predictions.answers, lambda: iter(pieces))
    assert suspicious(in_pieces).suspects == suspicious(predictions).suspects


def test_the_worst_by_hand() -> None:
    probability = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.2, 0.8]])
    predictions = ClassPredictions.of(list("abcd"), probability, np.array([0, 0, 0, 0]), ["x", "y"])
    assert [(one.id, one.true, one.predicted) for one in worst(predictions, 3)] == [
        ("b", "x", "y"), ("d", "x", "y"), ("c", "x", "y"),
    ]  # fmt: skip
    assert worst(predictions)[0].loss == pytest.approx(-np.log(0.2))
    numbers = NumberPredictions(list("abc"), np.array([1.0, 2.0, 3.0]), np.array([1.5, -2.0, 3.0]))
    assert [(one.id, one.loss) for one in worst(numbers)] == [("b", 4.0), ("a", 0.5), ("c", 0.0)]


def test_nothing_to_doubt() -> None:
    empty = ClassPredictions.of([], np.empty((0, 2)), np.empty(0), ["x", "y"], "train")
    found = suspicious(empty)
    assert found.suspects == ()
    assert found.in_sample
    assert json.loads(json.dumps(found.as_dict()))["samples"] == 0
    assert worst(empty) == []
