"""What two curves say of a fit: every verdict, on both sides of its bounds, and hardly ever one by chance."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from danlu.evaluation import fitting
from danlu.evaluation.fitting import Fit, agreed, fit_of

STEPS = 10  # of an epoch


def fit(train: Sequence[float], val: Sequence[float]) -> Fit:
    """An evaluation after every epoch."""
    found = fit_of(curves(train, val), STEPS)
    assert found is not None
    return found


def curves(train: Sequence[float], val: Sequence[float]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    ends = [STEPS * np.arange(1, len(losses) + 1) for losses in (train, val)]
    return {
        "epoch/train/loss": (ends[0], np.asarray(train, np.float64)),
        "val/loss": (ends[1], np.asarray(val, np.float64)),
    }


def falling(first: float, last: float, epochs: int = 10) -> list[float]:
    return list(np.geomspace(first, last, epochs))


def settled(value: float, epochs: int = 10) -> list[float]:
    """Falls fast, then stays."""
    return [value * (1 + 2.0 ** -(2 * epoch + 1)) for epoch in range(epochs)]


def turned(rise: float, epochs: int = 10) -> list[float]:
    """Falls to 1 in the middle, and rises evenly by ``rise`` in all since."""
    half = epochs // 2
    return [*np.linspace(2, 1, half), *(1 + rise * np.arange(1, epochs - half + 1) / (epochs - half))]


def test_fine() -> None:
    found = fit(falling(2.0, 0.9), settled(1.0))
    assert found.kind == "fine"
    assert (found.first_train, found.last_train) == pytest.approx((2.0, 0.9))
    assert found.evaluations == 10


def test_what_is_told() -> None:
    train, val = [4.0, 3.0, 2.0, 1.0, 0.5, 0.4], [3.0, 2.5, 2.0, 2.5, 3.0, 3.5]
    found = fit(train, val)
    assert found.kind == "overfitting"
    assert (found.best_val, found.best_epoch, found.best_train) == (2.0, 3.0, 2.0)
    assert (found.last_val, found.last_epoch, found.last_train) == (3.5, 6.0, 0.4)
    assert found.earlier_val == 3.0
    assert json.loads(json.dumps(found.as_dict()))["kind"] == "overfitting"


@pytest.mark.parametrize(("rise", "kind"), [(0.4, "overfitting"), (0.07, "overfitting"), (0.03, "gap"), (0.0, "gap")])
def test_a_rise_by_a_twentieth_counts(rise: float, kind: str) -> None:
    assert fit(falling(2.0, 0.2), turned(rise)).kind == kind


@pytest.mark.parametrize(
    ("last", "kind"), [(0.55, "overfitting"), (0.66, "overfitting"), (0.7, "rising"), (1.3, "rising")]
)
def test_by_heart_is_half_of_the_validation_loss(last: float, kind: str) -> None:
    """Of which the last two are 1.32 and 1.4."""
    assert pytest.approx(0.68) == fitting.HEART * (1.32 + 1.4) / 2
    assert fit(falling(2.0, last), turned(0.4)).kind == kind


def test_a_rise_while_training_gets_worse_too_is_no_overfitting() -> None:
    train = turned(0.5)
    assert fit(train, turned(0.4)).kind not in ("overfitting", "rising")


@pytest.mark.parametrize(
    ("last", "kind"), [(0.999, "underfitting"), (0.96, "underfitting"), (0.94, "fine"), (1.05, "underfitting")]
)
def test_a_fall_by_a_twentieth_is_learning(last: float, kind: str) -> None:
    assert fit(falling(1.0, last), [1.0] * 10).kind == kind


@pytest.mark.parametrize(("fall", "kind"), [(0.3, "unfinished"), (0.04, "unfinished"), (0.02, "fine"), (0.0, "fine")])
def test_a_fall_in_the_last_fifth_is_unfinished(fall: float, kind: str) -> None:
    """Evenly, from epoch to epoch half as much: the means of the last two evaluations and of the two before lie two epochs apart."""
    val = [1.2 * (1 - fall / 2) ** max(0, epoch - 5) for epoch in range(10)]
    assert fit(falling(2.0, 0.9 * val[-1]), val).kind == kind


@pytest.mark.parametrize(("train", "kind"), [(0.3, "gap"), (0.66, "gap"), (0.68, "fine"), (1.2, "fine")])
def test_a_gap_is_half_as_much_again(train: float, kind: str) -> None:
    assert fit(falling(2.0, train), settled(1.0)).kind == kind


@pytest.mark.parametrize("count", [1, 2, 3])
def test_three_evaluations_are_needed(count: int) -> None:
    found = fit(falling(2.0, 1.0, count), settled(1.0, count))
    assert (found.kind == "unknown") == (count < fitting.LEAST)
    assert found.evaluations == count


def test_without_curves_there_is_no_verdict() -> None:
    both = curves([1.0, 0.5], [1.0, 0.5])
    for name in both:
        assert fit_of({name: both[name]}, STEPS) is None
    assert fit_of({}, STEPS) is None
    assert fit_of(curves([np.nan] * 3, [1.0, 0.9, 0.8]), STEPS) is None


def test_what_is_not_finite_is_passed_over() -> None:
    train, val = falling(2.0, 0.9), settled(1.0)
    holes = list(val)
    holes[4] = np.nan
    holes[6] = np.inf
    assert fit(train, holes).kind == "fine"


def test_epochs_without_an_evaluation_and_evaluations_within_an_epoch() -> None:
    steps = np.arange(1, 21) * 5
    found = fit_of(
        {"epoch/train/loss": (steps[1::2], np.geomspace(2, 0.2, 10)), "val/loss": (steps, np.asarray(turned(0.4, 20)))},
        STEPS,
    )
    assert found is not None
    assert (found.kind, found.best_epoch, found.last_epoch) == ("overfitting", 5.0, 10.0)


@pytest.mark.parametrize("noise", [0.02, 0.07])
@pytest.mark.parametrize("epochs", [5, 12, 30])
def test_noise_is_no_rise_and_no_fall(noise: float, epochs: int) -> None:
    """A validation loss that goes nowhere, of 400 runs, while training goes on falling slowly."""
    draw = np.random.default_rng(0)
    train = falling(1.2, 0.9, epochs)
    kinds = [fit(train, 1 + noise * draw.normal(size=epochs)).kind for _ in range(400)]
    assert np.mean([kind in ("overfitting", "rising", "unfinished") for kind in kinds]) <= 0.05


@pytest.mark.parametrize("epochs", [6, 12, 30])
def test_a_rise_is_seen_through_noise(epochs: int) -> None:
    draw = np.random.default_rng(0)
    train = falling(2.0, 0.4, epochs)
    kinds = [fit(train, turned(0.8, epochs) + 0.03 * draw.normal(size=epochs)).kind for _ in range(100)]
    assert np.mean([kind == "overfitting" for kind in kinds]) >= 0.95


def test_verdicts_on_health_have_the_last_word() -> None:
    over, under = fit(falling(2.0, 0.2), turned(0.5)), fit([1.0] * 10, [1.0] * 10)
    fine, gap = fit(falling(2.0, 0.9), settled(1.0)), fit(falling(2.0, 0.3), settled(1.0))
    assert [one.kind for one in (over, under, fine, gap)] == ["overfitting", "underfitting", "fine", "gap"]
    assert [agreed(one, ()).kind for one in (over, under, fine, gap)] == ["rising", "fine", "fine", "gap"]
    assert {agreed(one, {"overfitting"}).kind for one in (over, under, fine, gap)} == {"overfitting"}
    assert {agreed(one, {name}).kind for one in (over, fine) for name in ("plateau", "underfitting")} == {
        "underfitting"
    }
    assert agreed(fine, {"dead-relu"}) == fine
