"""Figures of clicks beside scikit-learn's, RecBole's GAUC written out, and the arithmetic of entropy and calibration."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from danlu.evaluation.calibration import reliability
from danlu.metrics.clicks import Clicks, grouped_auc


def drawn(rows: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(probabilities of a click with ties, clicks that follow them, users)."""
    draw = np.random.default_rng(0)
    p = draw.beta(1, 5, rows).round(2).clip(0.01, 0.99)
    return p, (draw.random(rows) < p).astype(np.int64), draw.integers(0, 90, rows)


def judged(p: np.ndarray, y: np.ndarray, user: np.ndarray, parts: int = 1) -> Clicks:
    whole = Clicks()
    for rows in np.array_split(np.arange(len(p)), parts):
        one = Clicks()
        both = np.stack([1 - p[rows], p[rows]], axis=1)
        one.update({"probability": both}, {"click": y[rows], "group": user[rows]})
        whole.merge(one)
    return whole


def test_figures_are_scikit_learns() -> None:
    p, y, user = drawn()
    found = judged(p, y, user).compute()
    assert found["auc"] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert found["log-loss"] == pytest.approx(log_loss(y, p), abs=1e-12)
    constant = np.full(len(y), y.mean())
    assert found["normalised-entropy"] == pytest.approx(log_loss(y, p) / log_loss(y, constant), abs=1e-12)
    assert found["click-ratio"] == pytest.approx(p.sum() / y.sum(), abs=1e-12)
    bins = reliability(p, y > 0)
    assert found["ece"] == pytest.approx(sum(b.count * abs(b.sure - b.right) for b in bins) / len(y), abs=1e-12)
    areas, clicks = [], []
    for one in np.unique(user):
        own = y[user == one]
        if 0 < own.sum() < len(own):
            areas.append(roc_auc_score(own, p[user == one]))
            clicks.append(own.sum())
    assert len(areas) < 90 or min(clicks) > 0
    assert found["gauc"] == pytest.approx(np.average(areas, weights=clicks), abs=1e-12)


def test_a_constant_rate_has_normalised_entropy_one_and_auc_one_half() -> None:
    _, y, user = drawn()
    found = judged(np.full(len(y), y.mean()), y, user).compute()
    assert found["normalised-entropy"] == pytest.approx(1.0, abs=1e-12)
    assert found["auc"] == found["gauc"] == 0.5
    assert found["ece"] == pytest.approx(0.0, abs=1e-12)


def test_any_division_of_the_rows_gives_the_same() -> None:
    p, y, user = drawn()
    one, many = judged(p, y, user), judged(p, y, user, parts=7)
    assert one.compute() == pytest.approx(many.compute(), abs=1e-12)
    assert np.allclose([*one.intervals(0.9).values()], [*many.intervals(0.9).values()], atol=1e-12)


def test_unknown_answers_and_the_other_class_as_click() -> None:
    p, y, _ = drawn(400)
    both = np.stack([p, 1 - p], axis=1)
    other = Clicks(positive=0)
    other.update({"probability": both}, {"click": np.r_[1 - y[:-5], np.full(5, -1)]})
    same = Clicks()
    same.update({"probability": both[:-5, ::-1]}, {"click": y[:-5]})
    assert other.compute() == pytest.approx(same.compute(), abs=1e-12)


def test_groups_of_one_answer_say_nothing() -> None:
    area, clicks = grouped_auc(np.array([1, 1, 2, 2]), np.array([0.1, 0.9, 0.3, 0.2]), np.array([1, 1, 1, 0]))
    assert area.tolist() == [1.0]
    assert clicks.tolist() == [1.0]


def test_the_intervals_hold_what_they_promise() -> None:
    """Of 300 draws of 500 rows, whose true ratio is 1: binomial within four deviations of .9."""
    draw, held = np.random.default_rng(1), 0
    for _ in range(300):
        p = draw.beta(2, 4, 500)
        low, high = judged(p, (draw.random(500) < p).astype(np.int64), np.zeros(500, int)).intervals(0.9)["click-ratio"]
        held += low <= 1 <= high
    assert abs(held / 300 - 0.9) < 4 * np.sqrt(0.09 / 300)
