"""The confusion matrix with its samples and the table of classes are scikit-learn's."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from danlu.evaluation.classes import class_table
from danlu.evaluation.confusion import confusion
from danlu.evaluation.predictions import ClassPredictions
from tests.evaluation.made import CASES, answered


@pytest.mark.parametrize("case", CASES)
def test_the_matrix_is_scikit_learns(case: str) -> None:
    predictions, probability, label = answered(**CASES[case])
    size = probability.shape[1]
    expected = reference.confusion_matrix(label, probability.argmax(1), labels=range(size))
    assert np.array_equal(confusion(predictions).matrix, expected)


@pytest.mark.parametrize("case", CASES)
def test_a_cell_holds_its_samples_the_surest_first(case: str) -> None:
    predictions, probability, label = answered(**CASES[case])
    found, predicted = confusion(predictions), probability.argmax(1)
    seen: set[str] = set()
    for true in range(probability.shape[1]):
        for taken in range(probability.shape[1]):
            ids = found.ids(true, taken)
            rows = [int(name.partition("/")[2]) for name in ids]
            assert len(ids) == found.matrix[true, taken]
            assert all(label[row] == true and predicted[row] == taken for row in rows)
            sure = [probability[row].max() for row in rows]
            assert sure == sorted(sure, reverse=True)
            assert found.ids(true, taken, 2) == ids[:2]
            seen |= set(ids)
    assert seen == set(predictions.ids)


def test_as_json_the_fullest_wrong_cell_comes_first() -> None:
    predictions, _, _ = answered(300)
    told: dict[str, Any] = json.loads(json.dumps(confusion(predictions).as_dict(most=3)))
    counts = [cell["count"] for cell in told["cells"] if cell["true"] != cell["predicted"]]
    assert counts == sorted(counts, reverse=True)
    assert told["cells"][0]["true"] != told["cells"][0]["predicted"]
    assert all(len(cell["ids"]) == min(3, cell["count"]) for cell in told["cells"])
    assert sum(cell["count"] for cell in told["cells"]) == 300


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_scikit_learns(case: str) -> None:
    predictions, probability, label = answered(**CASES[case])
    size = probability.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, support = reference.precision_recall_fscore_support(
            label, probability.argmax(1), labels=range(size), zero_division=np.nan
        )
    table = class_table(confusion(predictions).matrix, predictions.classes, draws=50)
    assert [row.name for row in table] == list(predictions.classes)
    assert [row.support for row in table] == support.tolist()
    for got, want in (("precision", precision), ("recall", recall), ("f1", f1)):
        np.testing.assert_allclose([getattr(row, got) for row in table], want, atol=1e-12)


def test_intervals_of_classes_hold_their_figures() -> None:
    predictions, _, _ = answered(400)
    for row in class_table(confusion(predictions).matrix, predictions.classes):
        for name in ("precision", "recall", "f1"):
            low, high = getattr(row, f"{name}_interval")
            assert 0 <= low < getattr(row, name) < high <= 1


def test_nothing_to_judge() -> None:
    empty = ClassPredictions.of([], np.empty((0, 3), np.float32), np.empty(0), ["a", "b", "c"])
    found = confusion(empty)
    assert found.matrix.tolist() == [[0] * 3] * 3
    assert found.as_dict()["cells"] == []
    table = class_table(found.matrix, empty.classes)
    assert all(np.isnan([row.f1, row.precision, *row.f1_interval, *row.recall_interval]).all() for row in table)


def test_unlabelled_samples_are_left_out() -> None:
    probability = np.eye(3)[[0, 1, 2, 0]]
    found = ClassPredictions.of(["a", "b", "c", "d"], probability, np.array([0, -1, 2, 1]), ["x", "y", "z"])
    assert found.ids == ["a", "c", "d"]
    assert confusion(found).ids(1, 0) == ["d"]
    (block,) = found.blocks()
    assert np.array_equal(block[1], probability[[0, 2, 3]])
