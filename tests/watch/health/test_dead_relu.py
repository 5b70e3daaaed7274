"""Dead ReLUs: units that are silent in every late look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from danlu.watch.health.dead_relu import dead_relu
from danlu.watch.health.recording import Recording
from tests.watch.health.recorded import GOOD, LOOKS, POOR, dead, layers, recording


def of(units: int, count: int, first: int = 0, **given: Any) -> Recording:
    """The first ``count`` units are dead from the second look on, ``first`` of them in the first look too."""
    relu = {"layer": "act", "kind": "ReLU", "silent": lambda look, step: dead(units, count if look else first)} | given
    return recording(layers=layers({"layer": "fc"}, relu))


@pytest.mark.parametrize(("count", "told"), [(31, False), (32, True), (64, True)])
def test_from_half_of_a_layer_on(count: int, told: bool) -> None:
    found = dead_relu(of(64, count))
    assert (found is not None) == told
    if found is not None:
        assert found.name == "dead-relu"
        assert found.severity == ("problem" if count == 64 else "warning")
        assert found.evidence[0].layers == ("act",)
        assert found.evidence[0].values["dead"] == count
        assert found.evidence[0].steps == (80, 120)


@pytest.mark.parametrize(("count", "told"), [(51, False), (52, True)])
def test_a_net_that_answers_well_does_without_many_units(count: int, told: bool) -> None:
    assert (dead_relu(replace(of(64, count), standings=GOOD)) is not None) == told


@pytest.mark.parametrize(("count", "told"), [(7, False), (8, True)])
def test_of_a_few_units_nearly_all_must_be_dead(count: int, told: bool) -> None:
    assert (dead_relu(of(8, count)) is not None) == told


def test_a_layer_of_hardly_any_units_is_too_narrow_in_the_first_place() -> None:
    assert dead_relu(of(3, 3)) is None
    assert dead_relu(of(4, 4)) is not None


def test_a_unit_that_is_rarely_active_is_not_dead() -> None:
    """Every unit of the layer is active in one of the late looks, at most three at a time."""
    alive = {"layer": "act", "kind": "ReLU", "silent": lambda look, step: np.arange(12) // 3 != look % 4}
    assert dead_relu(recording(layers=layers(alive), standings=POOR)) is None
    never = {"layer": "act", "kind": "ReLU", "silent": lambda look, step: np.ones(12)}
    assert dead_relu(recording(layers=layers(never), standings=POOR)) is not None


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "LeakyReLU"},  # a slope is left below 0
        {"kind": "GELU"},
        {"kind": "SiLU"},
        {"gradient": np.nan},  # nothing below it is trained
    ],
)
def test_what_is_not_meant(given: dict[str, Any]) -> None:
    assert dead_relu(of(64, 64, **given)) is None
    assert dead_relu(of(64, 64, kind="F.relu")) is not None
    assert dead_relu(of(64, 64, kind="ReLU6")) is not None


def test_too_few_looks_say_nothing() -> None:
    relu = {"layer": "act", "kind": "ReLU", "silent": dead(64, 64)}
    assert dead_relu(recording(layers=layers(relu, steps=LOOKS[:3]))) is None
    assert dead_relu(recording(layers=layers(relu, steps=LOOKS[:4]))) is not None
    assert dead_relu(recording()) is None


def test_the_patch_tells_units_that_died_from_units_born_dead() -> None:
    killed, born = dead_relu(of(64, 64)), dead_relu(of(64, 64, first=64))
    assert killed is not None
    assert born is not None
    assert killed.patch == {"train.optimizer.lr": "auto", "model.activation": "leaky-relu", "model.norm": "batch"}
    assert born.patch == {"model.activation": "leaky-relu", "model.norm": "batch"}
    assert killed.remedy != born.remedy


def test_a_net_of_somebody_elses_gets_no_patch_of_its_model() -> None:
    found = dead_relu(replace(of(64, 64, first=64), takes={}))
    assert found is not None
    assert found.patch == {}
