"""Vanishing and exploding gradients, unused and frozen parameters, layers that hardly move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from danlu.watch.health.exploding import exploding_gradient
from danlu.watch.health.recording import Recording
from danlu.watch.health.unused import frozen_parameters, unused_parameters
from danlu.watch.health.update_ratio import update_ratio
from danlu.watch.health.vanishing import vanishing_gradient
from tests.watch.health.recorded import GOOD, LOOKS, POOR, curve, layers, parameters, recipe, recording


def net(
    reaching: Sequence[float], slopes: Sequence[float] | None = None, first: float = 1.0, **given: Any
) -> Recording:
    """A net of linear layers; reaching: the gradient at each one's output, slopes: that of an element of its weights. first: times
    these at the first look.
    """
    rows, weights = [], []
    for place, (value, slope) in enumerate(zip(reaching, slopes or reaching, strict=True)):
        at = {
            "gradient": lambda look, step, value=value: value if look else value * first ** (place_of(value, reaching))
        }
        rows.append({"layer": f"fc{place}"} | at)
        weights.append({"parameter": f"fc{place}.weight", "gradient": 10 * slope})
        weights.append({"parameter": f"fc{place}.bias", "dimensions": 1, "gradient": 1e-9})
    values = {"layers": layers(*rows), "parameters": parameters(*weights), "standings": POOR} | given
    return recording(**values)


def place_of(value: float, values: Sequence[float]) -> int:
    """1 for the first of the values, 0 for the others."""
    return int(value == values[0])


@pytest.mark.parametrize(("ratio", "told"), [(0.02, False), (0.009, True), (1e-6, True)])
def test_vanishing_where_the_net_answers_poorly(ratio: float, told: bool) -> None:
    found = vanishing_gradient(net([ratio, ratio**0.5, 1.0]))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].layers == ("fc0", "fc2")
        assert found.evidence[0].values["ratio"] == pytest.approx(ratio)
        assert found.patch == {"model.norm": "batch"}


def test_vanishing_where_it_answers_well_or_nobody_knows() -> None:
    assert vanishing_gradient(net([1e-4, 1e-2, 1.0], standings=GOOD)) is None
    assert vanishing_gradient(net([1e-7, 1e-3, 1.0], standings=GOOD)) is not None
    unknown = replace(net([5e-3, 0.1, 1.0]), standings=recording().standings)
    assert unknown.poor is None
    assert vanishing_gradient(unknown) is None
    assert vanishing_gradient(replace(net([5e-4, 0.1, 1.0]), standings=recording().standings)) is not None


def test_vanishing_needs_both_measures() -> None:
    """A wide first layer has small gradients for its size, and all the same a gradient reaches it."""
    assert vanishing_gradient(net([0.5, 0.7, 1.0], slopes=[1e-4, 0.1, 1.0])) is None


def test_vanishing_is_judged_over_time() -> None:
    """Branches that begin as zero have no gradient in the first step; a single odd look says nothing either."""
    assert vanishing_gradient(net([0.5, 0.7, 1.0], first=0.0)) is None
    seldom = net([0.5, 0.7, 1.0])
    weights = dict(seldom.parameters)
    weights["gradient"] = np.where(weights["step"] == 60, 1e-12, weights["gradient"])
    assert vanishing_gradient(replace(seldom, parameters=weights)) is None


def test_no_gradient_at_all() -> None:
    found = vanishing_gradient(net([0.0, 0.0, 1.0], slopes=[0.0, 0.0, 0.0]))
    assert found is not None
    assert found.evidence[-1].values["ratio"] == 0


def test_two_layers_have_no_depth() -> None:
    assert vanishing_gradient(net([1e-6, 1.0])) is None
    assert exploding_gradient(net([1e6, 1.0])) is None


def test_an_embedding_is_no_rung() -> None:
    """Few of its rows get a gradient in a step."""
    found = net([0.5, 0.7, 1.0], slopes=[1e-5, 0.5, 1.0])
    rows = dict(found.layers)
    rows["kind"] = np.where(rows["layer"] == "fc0", "Embedding", rows["kind"])
    rows["gradient"] = np.where(rows["layer"] == "fc0", 1e-5, rows["gradient"])
    assert vanishing_gradient(replace(found, layers=rows)) is None


@pytest.mark.parametrize(("ratio", "told"), [(290.0, False), (310.0, True)])
def test_exploding_outputs(ratio: float, told: bool) -> None:
    found = exploding_gradient(net([ratio, ratio**0.5, 1.0]))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].layers == ("fc0", "fc2")
        assert found.patch["train.clip_norm"] == 1.0
    assert exploding_gradient(net([ratio, ratio**0.5, 1.0], standings=GOOD)) is None


def test_exploding_weights_of_a_recurrence() -> None:
    assert exploding_gradient(net([1.0, 1.0, 1.0], slopes=[400.0, 20.0, 1.0])) is not None


def test_exploding_at_the_first_look_alone() -> None:
    assert exploding_gradient(net([1.1, 0.9, 1.0], first=1000.0)) is not None


def test_a_deep_net_that_grows_layer_by_layer_is_compared_with_its_last() -> None:
    steady = [2.0**place for place in range(9, -1, -1)]  # 512 … 1; by thirds it would be 64
    assert exploding_gradient(net(steady)) is not None
    heads = [1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 1.1, 0.9, 1e-4]  # a head that hardly counts comes last
    assert exploding_gradient(net(heads)) is None


def test_a_single_look_is_enough_only_where_training_stopped() -> None:
    one = {"layers": layers(*({"layer": f"fc{i}", "gradient": 10.0 ** (6 - 3 * i)} for i in range(3)), steps=[1])}
    one["parameters"] = parameters(*({"parameter": f"fc{i}.weight"} for i in range(3)), steps=[1])
    assert exploding_gradient(recording(**one)) is None
    stopped = {"step": 2, "loss": np.nan, "norm": np.nan, "finding": {"kind": "forward"}}
    assert exploding_gradient(recording(**one, refused=stopped)) is not None


def recurrent(factor: float, norms: Sequence[float], calls: int = 12, **given: Any) -> Recording:
    """A layer called in a row, what reaches each call ``factor`` times what reaches the next; stopped at NaN."""
    rows = [
        {"layer": name, "call": call, "gradient": scale * factor ** (calls - call)}
        for call in range(calls)
        for name, scale in (("enter", 2.0), ("again", 1.0))
    ]
    refused = {"step": len(norms), "loss": np.nan, "norm": np.nan, "finding": {"kind": "forward", "layer": "again"}}
    values = {"refused": refused, "curves": {"grad_norm": curve(norms)}, "standings": POOR, "ended": None}
    values |= {
        "parameters": parameters({"parameter": "again.weight"}, steps=(1, 10)),
        "layers": layers(*rows, steps=(1, 10)),
    }
    return recording(**(values | given))


CALM, CLIFF = [9.0, 11.0] * 7, [30.0, 200.0, 5e4]


def test_a_recurrence_that_leaps_off_a_cliff() -> None:
    found = exploding_gradient(recurrent(1.1, CALM + CLIFF))
    assert found is not None
    assert found.patch == {"train.clip_norm": 1.0, "model.norm": "batch"}
    leapt, called = found.evidence
    assert dict(leapt.values) == {"before": 10.0, "max": 5e4, "ratio": 5000.0}
    assert leapt.steps == (15, 17)
    assert called.layers == ("again",)  # where the first NaN was, though what reaches the other is as large
    assert called.values["ratio"] == pytest.approx(1.1**11)


@pytest.mark.parametrize(
    "other",
    [
        recurrent(0.9, CALM + CLIFF),  # it fades: the leap comes from elsewhere
        recurrent(1.0, CALM + CLIFF),
        recurrent(1.1, [*CALM, 30.0, 200.0, 900.0]),  # no cliff yet
        recurrent(1.1, CLIFF * 2),  # never calm: the rate
        recurrent(1.1, [10.0 * 3**step for step in range(17)]),  # by the same factor each step, as a rate too high does
        recurrent(1.1, CALM + CLIFF, calls=4),  # hardly a recurrence
        recurrent(1.1, CALM + CLIFF, refused=None),  # it goes on
        recurrent(1.1, CALM + CLIFF, standings=GOOD),
        recurrent(1.1, CALM + CLIFF, layers={}),  # not seen
    ],
)
def test_other_ends_of_a_recurrence(other: Recording) -> None:
    assert exploding_gradient(other) is None


def test_unused_parameters_never_got_a_gradient() -> None:
    used = {"parameter": "fc.weight"}
    unused = {"parameter": "aux.weight", "gradient": np.nan, "update": 0.0}
    seldom = {"parameter": "expert.weight", "gradient": lambda look, step: 0.1 if look == 7 else np.nan}
    missed = {"parameter": "block.weight", "gradient": np.nan, "weight": lambda look, step: 1.0 if look < 9 else 1.01}
    found = unused_parameters(recording(parameters=parameters(used, unused, seldom, missed)))
    assert found is not None
    assert found.evidence[0].layers == ("aux",)
    assert found.patch == {}
    assert unused_parameters(recording(parameters=parameters(used, seldom))) is None
    assert unused_parameters(recording(parameters=parameters(used, unused | {"trained": False}))) is None
    tiny = unused | {"size": 1, "dimensions": 0}
    assert unused_parameters(recording(parameters=parameters(used | {"size": 10_000}, tiny))) is None
    assert unused_parameters(recording(parameters=parameters(used, unused, steps=LOOKS[:3]))) is None


def test_frozen_parameters_are_told_where_nobody_asked_for_them() -> None:
    frozen = {"parameter": "trunk.weight", "trained": False, "gradient": np.nan, "update": 0.0}
    looks = {"parameters": parameters(frozen, {"parameter": "head.weight"})}
    found = frozen_parameters(recording(**looks, standings=POOR))
    assert found is not None
    assert found.evidence[0].layers == ("trunk",)
    assert frozen_parameters(recording(**looks, standings=GOOD)) is None
    assert frozen_parameters(recording(**looks)) is None
    asked = recipe(model__unfreeze="frozen", model__pretrained=True)
    assert frozen_parameters(recording(**looks, standings=POOR, recipe=asked)) is None
    little = parameters(
        {"parameter": "head.weight", "size": 1000}, *({"parameter": f"h{i}.weight"} for i in range(4)), frozen
    )
    assert frozen_parameters(recording(parameters=little, standings=POOR)) is None


@pytest.mark.parametrize(("moved", "told"), [(1e-4, False), (1e-5, True)])
def test_a_layer_that_hardly_moves(moved: float, told: bool) -> None:
    still = {"parameter": "fc0.weight", "update": moved}
    others = [{"parameter": f"fc{place}.weight", "update": 4e-3} for place in (1, 2)]
    found = update_ratio(recording(parameters=parameters(still, *others), standings=POOR))
    assert (found is not None) == told
    if found is not None:
        assert found.evidence[0].layers == ("fc0",)
        assert found.evidence[0].values == pytest.approx({"ratio": 1e-5, "others": 4e-3})
    assert update_ratio(recording(parameters=parameters(still, *others), standings=GOOD)) is None


@pytest.mark.parametrize("updates", [(1e-6, 1e-6, 1e-6), (1e-6, 1e-4, 1e-4)])
def test_where_no_layer_moves_it_is_the_rate(updates: tuple[float, ...]) -> None:
    rows = [{"parameter": f"fc{place}.weight", "update": update} for place, update in enumerate(updates)]
    assert update_ratio(recording(parameters=parameters(*rows), standings=POOR)) is None
