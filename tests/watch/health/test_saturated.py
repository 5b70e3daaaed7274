"""Saturated tanh and sigmoid: hidden layers, never gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from danlu.watch.health.saturated import saturated
from tests.watch.health.recorded import GOOD, POOR, layers, recording


def tanh(share: float, **given: object) -> dict[str, object]:
    return {"layer": "act", "kind": "Tanh", "saturated": lambda look, step: share if look else 0.1} | given


@pytest.mark.parametrize(("share", "told"), [(0.59, False), (0.61, True), (0.95, True)])
def test_from_six_tenths_on(share: float, told: bool) -> None:
    found = saturated(recording(layers=layers(tanh(share)), standings=POOR))
    assert (found is not None) == told
    if found is not None:
        assert found.severity == ("problem" if share > 0.9 else "warning")
        assert found.evidence[0].layers == ("act",)
        assert found.evidence[0].values["saturated"] == share


def test_a_net_that_answers_well_may_saturate() -> None:
    assert saturated(recording(layers=layers(tanh(0.95)), standings=GOOD)) is None


def test_what_the_net_gives_out_is_meant_to_saturate() -> None:
    assert saturated(recording(layers=layers(tanh(0.95, last=True, kind="Sigmoid")), standings=POOR)) is None


def test_a_sigmoid_beside_relus_is_a_gate() -> None:
    gate = tanh(0.95, layer="se.gate", kind="Sigmoid")
    relu = {"layer": "se.act", "kind": "ReLU", "silent": np.zeros(8)}
    assert saturated(recording(layers=layers(relu, gate), standings=POOR)) is None
    assert saturated(recording(layers=layers(gate), standings=POOR)) is not None


def test_a_cell_that_calls_both_is_gated() -> None:
    rows = [tanh(0.95, layer="cell", kind=kind, call=call) for call in range(3) for kind in ("F.sigmoid", "F.tanh")]
    assert saturated(recording(layers=layers(*rows), standings=POOR)) is None
    own = [tanh(0.95, layer=f"cell.{name}", kind=kind) for name, kind in (("i", "Sigmoid"), ("o", "Tanh"))]
    assert saturated(recording(layers=layers(*own), standings=POOR)) is None
    assert saturated(recording(layers=layers(tanh(0.95, layer="cell", kind="F.tanh")), standings=POOR)) is not None


def test_once_is_not_always() -> None:
    swinging = tanh(0.0) | {"saturated": lambda look, step: 0.95 if look % 2 else 0.2}
    assert saturated(recording(layers=layers(swinging), standings=POOR)) is None


def test_the_patch_tells_what_began_so_from_what_was_driven() -> None:
    driven = saturated(recording(layers=layers(tanh(0.95)), standings=POOR))
    born = saturated(recording(layers=layers(tanh(0.95) | {"saturated": 0.95}), standings=POOR))
    assert driven is not None
    assert born is not None
    assert driven.patch == {"train.optimizer.lr": "auto", "model.norm": "batch", "model.activation": "gelu"}
    assert born.patch == {"model.norm": "batch", "model.activation": "gelu"}
    other = saturated(replace(recording(layers=layers(tanh(0.95) | {"saturated": 0.95}), standings=POOR), takes={}))
    assert other is not None
    assert other.patch == {}
