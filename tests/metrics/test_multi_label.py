"""Metrics of label sets against scikit-learn, thresholds against trying every one, bootstrap against a loop."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    hamming_loss,
    roc_auc_score,
)

from danlu.metrics.multi_label import MultiLabel, average_precision, roc_auc
from danlu.metrics.thresholds import tuned_each


def drawn(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scores with many ties, decisions, truth)."""
    draw = np.random.default_rng(seed)
    true = draw.random((rows, classes)) < np.linspace(0.05, 0.6, classes)
    score = np.round(np.clip(draw.normal(0.35 + 0.25 * true, 0.2), 0, 1), 2).astype(np.float32)
    return score, score > 0.5, true


def counted(score: np.ndarray, found: np.ndarray, true: np.ndarray, blocks: int = 1) -> MultiLabel:
    metric = MultiLabel(score.shape[1])
    for rows in np.array_split(np.arange(len(score)), blocks):
        one = MultiLabel(score.shape[1])
        one.update({"probability": score[rows], "labels": found[rows]}, {"labels": true[rows].astype(np.uint8)})
        metric.merge(one)
    return metric


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_scikit_learn_however_divided(seed: int) -> None:
    score, found, true = drawn(157, 7, seed)
    wanted = {
        "micro-f1": f1_score(true, found, average="micro"),
        "macro-f1": f1_score(true, found, average="macro"),
        "map": average_precision_score(true, score, average="macro"),
        "auc": roc_auc_score(true, score, average="macro"),
        "subset-accuracy": accuracy_score(true, found),
        "hamming-loss": hamming_loss(true, found),
    }
    for blocks in (1, 5):
        got = counted(score, found, true, blocks).compute()
        assert got == pytest.approx(wanted, abs=1e-6)


def test_absent_labels_are_left_out_of_means() -> None:
    score, found, true = drawn(80, 5)
    true[:, 1] = False
    found[:, 1] = False  # nowhere: in no mean
    true[:, 3] = True  # everywhere: no AUC
    got = counted(score, found, true).compute()
    there = [0, 2, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert got["macro-f1"] == pytest.approx(
            f1_score(true[:, [0, 2, 3, 4]], found[:, [0, 2, 3, 4]], average="macro")
        )
        assert got["map"] == pytest.approx(average_precision_score(true[:, [0, 2, 3, 4]], score[:, [0, 2, 3, 4]]))
        assert got["auc"] == pytest.approx(roc_auc_score(true[:, there], score[:, there]))
    found[0, 1] = True  # found though never true: its F1 is 0
    assert counted(score, found, true).compute()["macro-f1"] == pytest.approx(f1_score(true, found, average="macro"))
    nothing = MultiLabel(2).compute()
    assert all(np.isnan(value) for value in nothing.values())


def test_weighted_rankings_are_those_of_repeated_samples() -> None:
    score, _, true = drawn(40, 1)
    times = np.random.default_rng(1).integers(0, 4, (3, 40))
    for row, each in enumerate(times):
        again, yes = np.repeat(score[:, 0], each), np.repeat(true[:, 0], each)
        assert average_precision(score[:, 0], true[:, 0], times)[row] == pytest.approx(
            average_precision_score(yes, again)
        )
        assert roc_auc(score[:, 0], true[:, 0], times)[row] == pytest.approx(roc_auc_score(yes, again))


def test_intervals_cover_as_often_as_they_say() -> None:
    whole = drawn(20_000, 3, 9)
    truth = counted(*whole).compute()
    inside = {"macro-f1": 0, "map": 0}
    for turn in range(40):
        rows = np.random.default_rng(turn).integers(0, 20_000, 150)
        bounds = counted(*(each[rows] for each in whole)).intervals(0.9)
        for name in inside:
            inside[name] += bounds[name][0] <= truth[name] <= bounds[name][1]
    assert all(30 <= count <= 40 for count in inside.values()), inside


@pytest.mark.parametrize("metric", ["macro-f1", "balanced-accuracy"])
def test_thresholds_are_the_best_there_are(metric: str) -> None:
    score, _, true = drawn(120, 4, 2)
    logits = np.log(score + 0.01) - np.log(1.01 - score)
    found = tuned_each(logits, true, metric)

    def value(one: int, cut: float) -> float:
        said = logits[:, one] > cut
        return float((f1_score if metric == "macro-f1" else balanced_accuracy_score)(true[:, one], said))

    cuts = [[value(one, cut) for cut in np.unique(logits[:, one]) - 1e-6] for one in range(4)]
    assert found.after == pytest.approx(np.mean([max(each) for each in cuts]), abs=1e-9)
    assert found.after == pytest.approx(np.mean([value(one, -found.offsets[one]) for one in range(4)]), abs=1e-9)
    assert found.before == pytest.approx(np.mean([value(one, 0.0) for one in range(4)]), abs=1e-9)


def test_labels_that_are_never_or_always_true_keep_their_threshold() -> None:
    score, _, true = drawn(50, 3)
    true[:, 0], true[:, 1] = False, True
    assert tuned_each(score - 0.4, true, "macro-f1").offsets[:2].tolist() == [0.0, 0.0]
