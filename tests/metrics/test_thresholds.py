"""Decision thresholds: the metric is scikit-learn's, the line through each class is searched whole, and it helps on other samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from danlu.metrics import thresholds
from danlu.metrics.thresholds import METRICS, tuned, value


def theirs(scores: np.ndarray, labels: np.ndarray, metric: str) -> float:
    said = scores.argmax(1)
    if metric == "macro-f1":
        return float(f1_score(labels, said, average="macro", zero_division=0))
    return float(balanced_accuracy_score(labels, said))


def drawn(seed: int, rows: int, classes: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.choice(classes, rows, p=(shares := np.geomspace(1, 12, classes)) / shares.sum())
    scores = draw.normal(size=(rows, classes)) + np.log(np.geomspace(1, 12, classes))
    scores[np.arange(rows), labels] += 1.5
    return (scores.round() if ties else scores), labels


@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(2, 5), st.sampled_from(METRICS), st.booleans())
def test_the_whole_line_through_a_class_is_searched(
    seed: int, rows: int, classes: int, metric: str, ties: bool
) -> None:
    """Beside trying each stretch between two samples, for one class, with the others as they are."""
    scores, labels = drawn(seed, rows, classes, ties)
    true = np.bincount(labels, minlength=classes)
    for one in np.flatnonzero(true):
        others = scores.copy()
        others[:, one] = -np.inf
        rival = others.argmax(1)
        needed = others[np.arange(rows), rival] - scores[:, one]
        cuts = np.unique(needed)
        places = np.concatenate([[cuts[0] - 1], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1] + 1]])
        each = [value(scores + place * (np.arange(classes) == one), labels, metric) for place in places]
        move, found = thresholds._best(needed, rival, labels, int(one), true, metric)
        assert found == pytest.approx(max(each))
        assert value(scores + move * (np.arange(classes) == one), labels, metric) == pytest.approx(found)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.filterwarnings("ignore:y_pred contains classes")
def test_values_are_scikit_learns_and_what_is_tuned_is_not_worse(metric: str, classes: int) -> None:
    scores, labels = drawn(classes, 300, classes)
    found = tuned(scores, labels, metric)
    assert found.before == pytest.approx(theirs(scores, labels, metric))
    assert found.after == pytest.approx(theirs(scores + found.offsets, labels, metric))
    assert found.after > found.before + 0.01
    assert found.offsets.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_two_classes_get_the_best_threshold(metric: str) -> None:
    scores, labels = drawn(3, 200, 2)
    margins = scores[:, 1] - scores[:, 0]
    cuts = np.sort(margins)
    tried = np.concatenate([[cuts[0] - 1], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1] + 1]])
    best = max(value(np.stack([np.zeros(200), margins - cut], 1), labels, metric) for cut in tried)
    assert tuned(scores, labels, metric).after == pytest.approx(best)


def test_what_is_right_already_is_left_alone() -> None:
    labels = np.arange(30) % 3
    found = tuned(np.eye(3)[labels] * 5.0, labels, "macro-f1")
    assert not found.offsets.any()
    assert found.before == found.after == 1.0


def test_samples_without_a_label_and_classes_without_samples_change_nothing() -> None:
    scores, labels = drawn(4, 200, 3)
    wide = np.concatenate([scores, np.full((200, 1), -30.0)], 1)
    more = np.concatenate([wide, np.random.default_rng(0).normal(size=(9, 4))])
    ours = tuned(more, np.concatenate([labels, np.full(9, -1)]), "balanced-accuracy")
    alone = tuned(scores, labels, "balanced-accuracy")
    assert (ours.before, ours.after) == (alone.before, alone.after)
    np.testing.assert_allclose(np.diff(ours.offsets[:3]), np.diff(alone.offsets), atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_it_helps_on_samples_that_it_has_not_seen(metric: str) -> None:
    """Rare classes under logits that know how rare they are; the mean gain of 8 draws, each judged on others."""
    gains = []
    for seed in range(8):
        found = tuned(*drawn(seed, 600, 4), metric)
        scores, labels = drawn(1000 + seed, 2000, 4)
        gains.append(value(scores + found.offsets, labels, metric) - value(scores, labels, metric))
    assert np.mean(gains) > 2 * np.std(gains) / 8**0.5
    assert np.mean(gains) > 0.01
