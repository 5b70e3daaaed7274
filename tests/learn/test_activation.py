"""Activations' lesson beside plain hooks on the same net and batch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.learn.activation import BINS, FLAT, ActivationAsked, activation
from danlu.learn.builtin import Builtin
from danlu.learn.own import own
from danlu.learn.stage import Stage
from danlu.nn.activations import ENTRIES
from danlu.training.captures import activations
from tests.learn import played

Function = Callable[[Tensor], Tensor]

FUNCTIONS: dict[str, Function] = {
    "relu": torch.relu,
    "leaky-relu": lambda z: torch.where(z > 0, z, 0.01 * z),
    "prelu": lambda z: torch.where(z > 0, z, 0.25 * z),
    "elu": F.elu,
    "silu": lambda z: z * torch.sigmoid(z),
    "gelu": lambda z: z * 0.5 * (1 + torch.erf(z / 2**0.5)),
    "mish": lambda z: z * torch.tanh(F.softplus(z)),
    "hard-swish": lambda z: z * torch.clamp(z + 3, 0, 6) / 6,
    "softplus": lambda z: torch.log1p(torch.exp(-z.abs())) + z.clamp(min=0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "identity": lambda z: z,
}


def hooked(
    stage: Stage, layer: str, function: Function | None = None, shift: float = 0.0, gain: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """(what comes in, what is given, loss) of the first batch, by forward hooks on a copy."""
    net = copy.deepcopy(stage.net)
    module = net.get_submodule(layer)
    seen: list[Tensor] = []

    def before(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        z = given[0] * gain + shift
        seen.append(z.clone())
        return (z,)

    def after(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if function is not None:
            output = function(seen[-1])
        seen.append(output.clone())
        return output

    module.register_forward_pre_hook(before)
    module.register_forward_hook(after)
    batch = stage.batches[0]
    with torch.no_grad():
        outputs = net(*batch.arguments())
        loss = stage.objective(outputs, batch, stage.objective.counts(batch))[0]
    return seen[0], seen[1], loss


def slopes(function: Function, z: Tensor) -> Tensor:
    z = z.double().requires_grad_()
    (found,) = torch.autograd.grad(function(z).sum(), z)
    return found


def check(said: dict[str, Any], before: Tensor, after: Tensor, function: Function, units: int) -> None:
    """units: the dimension that they stand in."""
    for name, values in (("before", before), ("after", after)):
        spread = values.double().flatten().numpy()
        low, high, counts = (said[name][key] for key in ("low", "high", "counts"))
        if spread.min() < spread.max():
            assert (low, high) == pytest.approx((spread.min(), spread.max()), rel=1e-6)
        assert len(counts) == BINS
        assert sum(counts) == values.numel()
        wanted = np.histogram(spread, BINS, (low, high))[0]
        assert np.abs(np.cumsum(counts) - np.cumsum(wanted)).max() <= 2  # of values that lie on an edge
    rows = after.movedim(units, 0).flatten(1)
    np.testing.assert_allclose(said["units"], (rows > 0).double().mean(1), rtol=1e-12)
    assert said["dead"] == pytest.approx(float((rows <= 0).all(1).double().mean()))
    assert said["flat"] == pytest.approx(float((slopes(function, before).abs() < FLAT).double().mean()), abs=2e-3)
    assert said["shape"] == list(before.shape)


@pytest.mark.parametrize("name", ["own", *ENTRIES])
@pytest.mark.parametrize("layer", [0, 2])
def test_every_choice_on_the_small_net(builtin: Builtin, name: str, layer: int) -> None:
    stage = builtin.stage
    said = activation(stage, ActivationAsked(layer=layer, name=name, shift=-0.4, gain=1.3))
    function = FUNCTIONS["relu" if name == "own" else name]
    before, after, loss = hooked(stage, said["name"], function, -0.4, 1.3)
    check(said, before, after, function, 1)
    assert said["loss"] == pytest.approx(loss.item(), rel=1e-5)
    with torch.no_grad():
        points, arm = played.pair(stage.batches[0])
        assert said["own_loss"] == pytest.approx(F.cross_entropy(stage.net(points), arm).item(), rel=1e-6)
    gates = {"tanh": lambda y: y.abs() > 0.97, "sigmoid": lambda y: (y < 0.03) | (y > 0.97)}
    if name in gates:
        assert said["saturated"] == pytest.approx(float(gates[name](after).double().mean()), abs=2e-3)
    else:
        assert said["saturated"] is None
    x, y, slope = torch.tensor(said["curve"], dtype=torch.float64).T
    torch.testing.assert_close(y, FUNCTIONS["relu" if name == "own" else name](x), rtol=1e-5, atol=1e-6)
    smooth = (x.abs() > 1e-6) & ((x.abs() - 3).abs() > 1e-6)  # not the kinks
    torch.testing.assert_close(slope[smooth], slopes(function, x)[smooth], rtol=1e-5, atol=1e-5)


@settings(max_examples=25)
@given(st.floats(-6, 6), st.floats(0.1, 5), st.integers(0, 2))
def test_anywhere_the_layer_is_moved(shift: float, gain: float, layer: int) -> None:
    stage = played.stage(
        lambda: nn.Sequential(*(each for _ in range(3) for each in (nn.Linear(6, 6), nn.ReLU()))), played.batches((6,))
    )
    said = activation(stage, ActivationAsked(layer=layer, shift=shift, gain=gain))
    before, after, loss = hooked(stage, said["name"], None, shift, gain)
    check(said, before, after, torch.relu, 1)
    assert said["loss"] == pytest.approx(loss.item(), rel=1e-5)


def test_the_net_as_it_is(builtin: Builtin) -> None:
    said = activation(builtin.stage, ActivationAsked())
    assert said["loss"] == pytest.approx(said["own_loss"], rel=1e-6)
    assert said["kind"] == "ReLU"
    assert said["samples"] == len(builtin.stage.batches[0])


def test_a_shift_kills_units_and_the_loss_tells(builtin: Builtin) -> None:
    """What the lesson is for."""
    said = activation(builtin.stage, ActivationAsked(layer=0, shift=-6))
    assert said["dead"] == 1
    assert said["flat"] == 1
    assert said["loss"] > 10 * said["own_loss"]
    assert said["layers"][0]["gradient"] == 0 or said["layers"][0]["dead"] == 1


@pytest.mark.parametrize("run", ["convolutions", "layers"])
def test_layers_of_a_run_are_what_captures_say(run: str, request: pytest.FixtureRequest) -> None:
    stage = own(request.getfixturevalue(run))
    batch = stage.batches[0]

    def loss(outputs: Any) -> Tensor:
        found: Tensor = stage.objective(outputs, batch, stage.objective.counts(batch))[0]
        return found

    rows = {row.layer: row for row in reversed(activations(stage.net, batch.arguments(), loss=loss))}
    said = activation(stage, ActivationAsked(layer=1))
    assert len(said["layers"]) > 1
    for layer in said["layers"]:
        row = rows[layer["name"]]
        assert (layer["kind"], layer["dead"], layer["saturated"]) == (row.kind, row.dead, row.saturated)
        assert layer["gradient"] == pytest.approx(row.gradient, rel=1e-5)


def test_channels_of_a_run_with_convolutions(convolutions: Path) -> None:
    stage = own(convolutions)
    said = activation(stage, ActivationAsked(layer=2, shift=0.5))
    before, after, loss = hooked(stage, said["name"], None, 0.5)
    assert before.ndim == 4
    check(said, before, after, FUNCTIONS["silu"], 1)
    assert said["loss"] == pytest.approx(loss.item(), rel=1e-5)


class Last(nn.Module):
    """Linear layers over images (B, H, W, C): units stand last."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.last = nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.act(self.first(x))).mean((1, 2))


def row() -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3))


def test_units_stand_where_the_layer_before_puts_them() -> None:
    stage = played.stage(Last, played.batches((4, 4, 5)))
    said = activation(stage, ActivationAsked(shift=-1.0))
    before, after, _ = hooked(stage, "act", None, -1.0)
    check(said, before, after, FUNCTIONS["gelu"], 3)
    stage = played.stage(row, played.batches((2, 9)))
    said = activation(stage, ActivationAsked(shift=-1.0))
    before, after, _ = hooked(stage, "1", None, -1.0)
    check(said, before, after, torch.relu, 1)


def test_a_slope_for_each_channel() -> None:
    def make() -> nn.Module:
        net = nn.Sequential(nn.Linear(4, 6), nn.PReLU(6), nn.Linear(6, 3))
        with torch.no_grad():
            net[1].weight.copy_(torch.tensor([0.0, 0.01, 0.04, 0.06, 0.5, 1.0]))
        return net

    stage = played.stage(make, played.batches((4,)))
    said = activation(stage, ActivationAsked())
    before, after, _ = hooked(stage, "1")
    check(said, before, after, lambda z: torch.where(z > 0, z, stage.net[1].weight.double() * z), 1)
    assert 0 < said["flat"] < 1
    x, y, slope = torch.tensor(said["curve"]).T
    assert torch.equal(y, torch.relu(x))  # the first channel's
    assert torch.equal(slope[x < 0], torch.zeros_like(slope[x < 0]))


def test_a_layer_that_works_in_place() -> None:
    stage = played.stage(
        lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)), played.batches((4,))
    )
    said = activation(stage, ActivationAsked(shift=0.2, gain=2.0))
    plain = played.stage(lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), played.batches((4,)))
    assert said == activation(plain, ActivationAsked(shift=0.2, gain=2.0))


class Shared(nn.Module):
    """One activation that is called twice, and one that never is."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(6, 5), nn.Linear(5, 3)
        self.act, self.idle = nn.ReLU(), nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.act(self.second(self.act(self.first(x)))))


def test_a_layer_that_is_called_twice_shows_its_first_call_and_moves_in_both() -> None:
    stage = played.stage(Shared, played.batches((4,)))
    said = activation(stage, ActivationAsked(shift=0.3))
    before, after, loss = hooked(stage, "act", None, 0.3)
    check(said, before, after, torch.relu, 1)
    assert said["shape"] == [12, 6]
    assert said["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert said["layers"][1] == {"name": "idle", "kind": "Tanh", "dead": None, "saturated": None, "gradient": None}
    with pytest.raises(DanluError, match="idle"):
        activation(stage, ActivationAsked(layer=1))


def test_a_net_without_activation_layers_says_so() -> None:
    with pytest.raises(DanluError, match="no activation layers"):
        activation(played.stage(lambda: nn.Linear(4, 3), played.batches((4,))), ActivationAsked())


def test_a_frozen_net_has_no_gradients() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).requires_grad_(False)

    said = activation(played.stage(make, played.batches((4,))), ActivationAsked())
    assert said["layers"][0]["gradient"] is None
    assert said["layers"][0]["dead"] == said["dead"]


def test_an_index_beyond_the_last_is_the_last_and_an_unknown_name_is_refused(builtin: Builtin) -> None:
    assert activation(builtin.stage, ActivationAsked(layer=999))["chosen"] == 2
    with pytest.raises(DanluError, match="step"):
        activation(builtin.stage, ActivationAsked(name="step"))


@pytest.mark.parametrize(
    "controls",
    [
        {"shift": 6.1},
        {"shift": float("nan")},
        {"gain": 0.0},
        {"gain": 5.01},
        {"layer": -1},
        {"name": "x" * 21},
        {"a": 1},
    ],
)
def test_other_controls_are_refused(controls: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ActivationAsked(**controls)
