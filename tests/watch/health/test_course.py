"""Verdicts from curves: divergence, the rate, plateaus, over- and underfitting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from danlu.watch.health.divergence import divergence
from danlu.watch.health.overfitting import overfitting
from danlu.watch.health.plateau import plateau
from danlu.watch.health.rate_too_high import rate_too_high
from danlu.watch.health.rate_too_low import rate_too_low
from danlu.watch.health.recording import Recording, Standings
from danlu.watch.health.underfitting import underfitting
from tests.watch.health.recorded import GOOD, LOOKS, POOR, curve, parameters, recipe, recording

STOPPED = {"step": 40, "loss": np.inf, "norm": np.inf, "finding": {"kind": "forward", "layer": "fc"}}


def noise(size: int, scale: float = 0.02) -> np.ndarray:
    return np.random.default_rng(0).normal(0, scale, size)


def course(values: np.ndarray, **given: Any) -> Recording:
    curves = {"train/loss": curve(values), "lr": curve(np.full(len(values), 0.1))} | given.pop("curves", {})
    return recording(curves=curves, **({"standings": POOR} | given))


def linear(net: float, other: float) -> Standings:
    return Standings("better", "worse", "val/accuracy", net, other, 0.1)


# ---- divergence


def test_a_step_that_was_not_finite() -> None:
    found = divergence(recording(refused=STOPPED))
    assert found is not None
    assert found.evidence[0].layers == ("fc",)
    assert found.evidence[0].steps == (40, 41)
    assert found.patch == {"train.optimizer.lr": "auto", "train.clip_norm": 1.0, "train.warmup": 0.1}
    given = STOPPED | {"finding": {"kind": "column", "name": "image"}}
    assert divergence(recording(refused=given)) is None  # its data were so


@pytest.mark.parametrize(("end", "told"), [(3.4, False), (3.6, True)])
def test_a_loss_that_ends_above_its_beginning(end: float, told: bool) -> None:
    values = np.concatenate([[2.3], np.linspace(2.3, end, 59), np.full(60, end)])
    assert (divergence(course(values)) is not None) == told
    assert divergence(course(values, standings=GOOD)) is None


@pytest.mark.parametrize(("end", "told"), [(1.4, False), (1.8, True)])
def test_a_loss_that_fell_and_rose_again(end: float, told: bool) -> None:
    values = np.concatenate([np.linspace(2.3, 0.5, 60), np.linspace(0.5, end, 40), np.full(20, end)])
    assert (divergence(course(values)) is not None) == told


# ---- rate


@pytest.mark.parametrize(("top", "told"), [(3.3, False), (3.7, True)])
def test_a_leap(top: float, told: bool) -> None:
    values = np.concatenate([[2.3], np.full(10, top), np.full(109, 2.0)]) + noise(120)
    found = rate_too_high(course(values))
    assert (found is not None) == told
    if found is not None:
        assert found.patch == {"train.optimizer.lr": "auto", "train.warmup": 0.1, "train.schedule": "cosine"}
    assert rate_too_high(course(values, standings=GOOD)) is None


def test_a_leap_while_the_rate_is_still_low_has_another_cause() -> None:
    values = np.concatenate([[2.3], np.full(10, 5.0), np.full(109, 2.0)])
    slow = {"lr": curve(np.concatenate([np.full(15, 0.001), np.full(105, 0.1)]))}
    assert rate_too_high(course(values, curves=slow)) is None
    assert rate_too_high(course(values)) is not None


def test_a_leap_that_led_to_a_low_loss_is_forgotten() -> None:
    values = np.concatenate([[2.3], np.full(10, 5.0), np.linspace(2.0, 0.1, 109)])
    assert rate_too_high(course(values)) is None


def test_batches_differ() -> None:
    """A squared error whose batches scatter by half: its first batch lies low by chance."""
    values = 2.7e10 * (1 + np.random.default_rng(1).normal(0, 0.5, 120)).clip(0.2)
    values[0] = 1.2e10
    assert rate_too_high(course(values)) is None


@pytest.mark.parametrize(("moved", "told"), [(0.015, False), (0.025, True)])
def test_updates_far_too_large(moved: float, told: bool) -> None:
    rows = [{"parameter": f"fc{place}.weight", "update": moved} for place in range(3)]
    looked = course(np.full(120, 2.0) + noise(120), parameters=parameters(*rows))
    assert (rate_too_high(looked) is not None) == told
    assert rate_too_high(replace(looked, standings=GOOD)) is None
    assert rate_too_high(replace(looked, recipe=recipe(train__optimizer__name="muon"))) is None
    decayed = recipe(train__optimizer__name="adamw", train__optimizer__weight_decay=1.0)
    assert rate_too_high(replace(looked, recipe=decayed)) is None  # that is what decay takes off


def calm(grown: float, wild: float, **given: Any) -> Recording:
    """Its training loss never leaps, its updates are moderate beside weights that have become ``grown`` times as large."""
    rows = [
        {"parameter": f"fc{place}.weight", "weight": lambda look, step: grown if look else 1.0, "update": 0.01 * grown}
        for place in range(3)
    ]
    curves = {"val/loss": curve([wild, 2.4, 1.9], [40, 80, 120])}
    return course(np.linspace(2.3, 1.5, 120), **({"parameters": parameters(*rows), "curves": curves} | given))


@pytest.mark.parametrize(("grown", "wild", "told"), [(20, 900.0, True), (20, 20.0, False), (4, 900.0, False)])
def test_what_batch_norm_hides(grown: float, wild: float, told: bool) -> None:
    found = rate_too_high(calm(grown, wild))
    assert (found is not None) == told
    if found is not None:
        assert [dict(evidence.values) for evidence in found.evidence] == [
            {"highest": 900.0, "nothing": pytest.approx(2.3, abs=0.02)},
            {"grown": 20.0},
        ]
        assert found.patch["train.optimizer.lr"] == "auto"


def test_what_batch_norm_hides_is_nothing_where_it_ended_well_or_was_not_seen() -> None:
    found = calm(20, 900.0)
    assert rate_too_high(replace(found, standings=GOOD)) is None
    unknown = replace(found, standings=Standings())
    assert unknown.poor is None
    assert rate_too_high(unknown) is None
    assert rate_too_high(replace(found, parameters={})) is None
    born = parameters({"parameter": "branch.weight", "weight": lambda look, step: float(look > 0), "update": 0.01})
    assert rate_too_high(replace(found, parameters=born)) is None  # from 0, to which nothing has a ratio
    learnt = {"val/loss": curve([900.0, 0.5, 0.1], [40, 80, 120])}
    assert rate_too_high(calm(20, 900.0, curves=learnt)) is None


def low(moved: float, end: float, **given: Any) -> Recording:
    rows = [{"parameter": f"fc{place}.weight", "update": moved} for place in range(3)]
    values = np.linspace(2.3, end, 120) + noise(120, 0.005)
    return course(values, **({"parameters": parameters(*rows)} | given))


@pytest.mark.parametrize(
    ("moved", "end", "told"),
    [
        (1e-5, 2.28, True),  # next to nothing happens
        (2e-4, 2.0, True),  # it falls, straight and slowly
        (2e-3, 2.0, False),  # weights move as they should
        (2e-4, 1.2, False),  # that is progress
    ],
)
def test_a_rate_too_low(moved: float, end: float, told: bool) -> None:
    found = rate_too_low(low(moved, end))
    assert (found is not None) == told
    if found is not None:
        assert found.patch == {"train.optimizer.lr": "auto"}
        assert found.evidence[0].values["ratio"] == pytest.approx(moved)
    assert rate_too_low(replace(low(moved, end), standings=GOOD)) is None


def test_late_steps_of_a_schedule_are_not_counted() -> None:
    """Updates are tiny only where the rate is."""
    rates = np.concatenate([np.full(60, 0.1), np.full(60, 1e-5)])
    rows = [{"parameter": f"fc{i}.weight", "update": lambda look, step: 3e-3 if step <= 60 else 1e-6} for i in range(3)]
    found = low(0.0, 2.2, parameters=parameters(*rows), curves={"lr": curve(rates)})
    assert rate_too_low(found) is None


def test_without_a_gradient_it_is_not_the_rate() -> None:
    rows = [{"parameter": f"fc{place}.weight", "update": 1e-6, "gradient": 0.0} for place in range(3)]
    assert rate_too_low(low(0.0, 2.29, parameters=parameters(*rows))) is None


def test_a_loss_that_bends_is_not_straight() -> None:
    rows = [{"parameter": f"fc{place}.weight", "update": 5e-4} for place in range(3)]
    values = 1.9 + 0.4 * np.exp(-np.arange(120) / 12) + noise(120, 0.005)
    assert rate_too_low(course(values, parameters=parameters(*rows))) is None


# ---- plateau


@pytest.mark.parametrize(("share", "told"), [(0.6, False), (0.3, True)])
def test_standing_still_for_half_of_the_steps(share: float, told: bool) -> None:
    """share: of the steps in which it falls."""
    falling = int(200 * share)
    values = np.concatenate([np.linspace(2.3, 1.5, falling), np.full(200 - falling, 1.5)]) + noise(200)
    found = plateau(course(values))
    assert (found is not None) == told
    assert plateau(course(values, standings=GOOD)) is None


def test_a_small_loss_is_no_plateau() -> None:
    values = np.concatenate([np.linspace(2.3, 0.2, 50), np.full(150, 0.2)]) + noise(200)
    assert plateau(course(values)) is None


def test_where_it_still_falls_it_is_no_plateau() -> None:
    assert plateau(course(np.linspace(2.3, 1.5, 200) + noise(200))) is None


def test_steps_at_a_rate_near_zero_are_not_counted() -> None:
    values = np.concatenate([np.linspace(2.3, 1.5, 120), np.full(80, 1.5)]) + noise(200)
    cosine = {"lr": curve(0.05 * (1 + np.cos(np.pi * np.arange(200) / 200)))}
    assert plateau(course(values, curves=cosine)) is None


def test_a_schedule_that_ends_too_soon() -> None:
    values = np.concatenate([np.linspace(2.3, 1.5, 30), np.full(170, 1.5)]) + noise(200)
    spent = {"lr": curve(np.concatenate([np.full(30, 0.1), np.full(170, 1e-6)]))}
    found = plateau(course(values, curves=spent))
    assert found is not None
    assert found.patch == {"train.schedule": "one-cycle"}
    lower = values - 1.1  # 0.17 of what there was to learn is left
    assert plateau(course(lower, curves=spent, trivial=2.3)) is not None
    assert plateau(course(lower, trivial=2.3)) is None


# ---- overfitting


def fitted(train: float, val: np.ndarray, **given: Any) -> Recording:
    """Evaluated after each of twelve epochs; the training loss falls from 2.3 to ``train``."""
    steps = np.arange(10, 10 * len(val) + 1, 10)
    curves = {"val/loss": (steps, val), "epoch/train/loss": (steps, np.geomspace(2.3, train, len(val)))}
    values: dict[str, Any] = {
        "trivial": 2.3,
        "side": 28,
        "standings": GOOD,
        "recipe": recipe(data__augment=[]),
    }
    return recording(curves=curves, **(values | given))


@pytest.mark.parametrize(("val", "told"), [(0.55, False), (0.65, True)])
def test_a_gap_of_a_quarter_of_what_there_was_to_learn(val: float, told: bool) -> None:
    found = overfitting(fitted(0.02, np.geomspace(2.0, val, 12)))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].values["val"] == pytest.approx(val, rel=0.15)
        assert set(found.patch) == {
            "train.optimizer.weight_decay", "model.dropout", "data.augment",
        }  # fmt: skip


def test_a_training_loss_that_is_not_low_is_no_overfitting() -> None:
    assert overfitting(fitted(0.8, np.geomspace(2.0, 1.4, 12))) is None


@pytest.mark.parametrize(("end", "told"), [(0.9, False), (1.2, True)])
def test_a_validation_loss_that_rises_for_good(end: float, told: bool) -> None:
    val = np.concatenate([np.linspace(2.0, 0.8, 6), np.linspace(0.8, end, 4), [end, end]])
    found = overfitting(fitted(0.1, val, trivial=None))
    assert (found is not None) == told
    if found is not None:
        assert found.patch["train.early_stop"]["monitor"] == "val/loss"
        assert found.patch["evaluate.weights"] == "best"


def test_where_the_whole_training_goes_wrong_nothing_is_learnt_by_heart() -> None:
    val = np.concatenate([np.linspace(2.0, 1.5, 6), np.linspace(1.5, 4.0, 6)])
    assert overfitting(fitted(1.0, val)) is None
    assert overfitting(fitted(0.8, val)) is not None


def test_one_odd_evaluation_is_no_rise() -> None:
    val = np.concatenate([np.linspace(2.0, 0.3, 11), [0.9]])
    assert overfitting(fitted(0.1, val, trivial=None)) is None


def test_a_net_nearly_always_right_may_grow_sure_of_itself() -> None:
    val = np.concatenate([np.linspace(2.0, 0.08, 6), np.linspace(0.08, 0.2, 6)])
    assert overfitting(fitted(0.001, val)) is None


def test_what_stopped_early_is_judged_where_it_was_best() -> None:
    val = np.concatenate([np.linspace(2.0, 0.4, 8), np.linspace(0.5, 0.9, 4)])
    best = recipe(evaluate__weights="best")
    assert overfitting(fitted(0.02, val, recipe=best)) is not None
    assert overfitting(fitted(0.02, val, recipe=best, ended="early-stop")) is None


# ---- underfitting


@pytest.mark.parametrize(("net", "told"), [(0.85, False), (0.75, True)])
def test_far_behind_a_linear_model(net: float, told: bool) -> None:
    found = underfitting(course(np.linspace(2.3, 1.2, 120), trivial=2.3, standings=linear(net, 0.9)))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].values == {"net": net, "linear": 0.9}


def test_errors_of_numbers() -> None:
    behind = Standings("better", "worse", "val/mae", 9.0, 4.0, 20.0)
    assert underfitting(course(np.linspace(2.3, 1.2, 120), standings=behind)) is not None
    assert underfitting(course(np.linspace(2.3, 1.2, 120), standings=replace(behind, net=6.0))) is None


def test_a_net_that_learnt_its_training_samples_does_not_underfit() -> None:
    assert underfitting(course(np.linspace(2.3, 0.1, 120), standings=linear(0.5, 0.9))) is None


def test_no_better_than_a_constant_answer() -> None:
    assert underfitting(course(np.full(120, 2.3) + noise(120))) is not None
    assert underfitting(course(np.full(120, 2.3) + noise(120), ended=None)) is None  # it goes on
    assert underfitting(course(np.full(120, 2.3) + noise(120), standings=GOOD)) is None


def test_the_patch_is_for_what_keeps_it_from_learning() -> None:
    flat = np.concatenate([np.linspace(2.3, 2.0, 30), np.full(90, 2.0)])
    small = recipe(model__args={"widths": [2]}, train__epochs=10)
    found = underfitting(course(flat, recipe=small))
    assert found is not None
    assert found.patch == {"model.args.widths": [64], "train.epochs": 20}
    falling = underfitting(course(np.linspace(2.3, 1.7, 120), recipe=small))
    assert falling is not None
    assert falling.patch == {"train.epochs": 30}
    penalised = underfitting(course(flat, recipe=recipe(train__l1=0.1)))
    assert penalised is not None
    assert penalised.patch == {"train.l1": 0.0}
    frozen = underfitting(
        course(flat, recipe=recipe(model__unfreeze="frozen", model__pretrained="weights.safetensors"))
    )
    assert frozen is not None
    assert frozen.patch == {"model.unfreeze": "all", "train.optimizer.lr": "auto"}
    assert "unfreeze" in frozen.remedy
    given = recipe(model__args={"widths": [2]}, model__pretrained="weights.safetensors", train__epochs=10)
    fitting = underfitting(course(flat, recipe=given))
    assert fitting is not None
    assert fitting.patch == {"train.epochs": 20}  # wider layers could not take the weights
    dropped = underfitting(course(flat, takes={"dropout": 0.9}))
    assert dropped is not None
    assert dropped.patch == {"model.dropout": 0.0}


def test_nothing_is_said_of_what_was_not_recorded() -> None:
    empty = Recording()
    for rule in (divergence, rate_too_high, rate_too_low, plateau, overfitting, underfitting):
        assert rule(empty) is None
    assert LOOKS
