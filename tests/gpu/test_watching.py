"""What is seen on the device is what is seen on the CPU: looks inside the net, and steps that are NaN."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from danlu.errors import TrainingError
from danlu.training.events import Captured, NonFinite
from danlu.training.loop import fit
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan
from danlu.training.schedules.constant import Constant
from danlu.training.slots import guard
from tests.gpu.feeds import Fed
from tests.training.feeds import blobs, cross_entropy, small_net
from tests.training.test_captures import Block
from tests.training.test_looking import Looking, pictures

CPU = torch.device("cpu")


def plan(device: torch.device, **changes: Any) -> Plan:
    base = Plan(epochs=2, optimizer=SGD, lr=0.05, schedule=Constant(), seed=4, device=device)
    return replace(base, **changes)


def looked(device: torch.device, net: nn.Module, **changes: Any) -> Looking:
    watcher = Looking()
    fit(
        net.to(device),
        cross_entropy().to(device),
        Fed(pictures(), 20, device),
        plan(device, **changes),
        watchers=[watcher],
    )
    return watcher


def block(dropout: float = 0.5) -> nn.Module:
    torch.manual_seed(1)
    net = Block()
    net.drop.p = dropout
    with torch.no_grad():
        net.norm.bias[1] = -40.0  # a channel that never comes to life
        net.head[0].weight[2] *= 300  # a unit that is saturated
    return net


def held(net: nn.Module, before_norm: str) -> nn.Module:
    """The net, of which the bias before batch norm isn't trained: its gradient is rounding alone, which AdamW makes whole steps of."""
    net.get_parameter(before_norm).requires_grad_(False)
    return net


def close(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else one == pytest.approx(other, rel=5e-3, abs=1e-5)


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_looks_see_what_they_see_on_the_cpu(device: torch.device, optimizer: Any) -> None:
    there, here = (
        looked(place, held(block(dropout=0.0), "first.bias"), captures_every=2, optimizer=optimizer, epochs=1).seen
        for place in (device, CPU)
    )
    assert list(there) == list(here) == [1, 2, 4]
    for step, seen in there.items():
        expected: Captured = here[step]
        for row, other in zip(seen.layers, expected.layers, strict=True):
            assert replace(row, mean=0, std=0, saturated=0, gradient=0) == replace(
                other, mean=0, std=0, saturated=0, gradient=0
            )
            assert all(
                close(getattr(row, name), getattr(other, name)) for name in ("mean", "std", "saturated", "gradient")
            ), row
        for line, known in zip(seen.parameters, expected.parameters, strict=True):
            assert (line.parameter, line.size, line.trained) == (known.parameter, known.size, known.trained)
            assert all(close(getattr(line, name), getattr(known, name)) for name in ("weight", "gradient", "update")), (
                line
            )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_looks_change_no_bit(device: torch.device, precision: Any) -> None:
    """With dropout, whose draws on the device must stay what they are."""
    plain, seen = (nn.Sequential(block(), nn.Dropout(0.3)) for _ in range(2))
    looked(device, plain, precision=precision)
    watcher = looked(device, seen, precision=precision, captures_every=1)
    assert len(watcher.seen) == 10
    for (name, one), other in zip(plain.state_dict().items(), seen.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


def spoilt(device: torch.device) -> Fed:
    x, y = blobs(60)
    x[17] = math.nan
    return Fed((x, y), 6, device)


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
@pytest.mark.parametrize("action", ["skip", "stop"])
def test_a_nan_is_explained_as_on_the_cpu(
    device: torch.device, monkeypatch: pytest.MonkeyPatch, action: Any, optimizer: Any
) -> None:
    """The device decides alone, and the host learns of it later; on the CPU in its place that is enforced."""
    told, curves = [], []
    for place, name in ((device, "there"), (CPU, "here")):
        with monkeypatch.context() as patch:
            if name == "there" and place.type == "cpu":
                patch.setattr(guard, "defers", lambda *_: True)
            watcher = Looking()
            net = held(small_net(dropout=0.0), "0.bias")
            chosen = plan(place, non_finite=action, optimizer=optimizer, captures_every=2)
            try:
                fit(net.to(place), cross_entropy().to(place), spoilt(place), chosen, watchers=[watcher])
            except TrainingError as error:
                told.append(str(error))
            told.append([(event.step, event.action, event.rows, event.text) for event in watcher.of(NonFinite)])
            told.append(list(watcher.seen))
            curves.append(
                (watcher.curve("train/loss"), {name: value.cpu() for name, value in net.state_dict().items()})
            )
    half = len(told) // 2
    assert told[:half] == told[half:]
    assert told[-2]
    (there, ours), (here, theirs) = curves
    assert [math.isnan(value) for value in there] == [math.isnan(value) for value in here]
    assert there == pytest.approx(here, rel=5e-3, nan_ok=True)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-2, atol=1e-3)


def test_the_device_decides_alone(cuda: torch.device) -> None:
    """Else the test above has shown less than it says."""
    from danlu.training.precision import Precision

    net = small_net().to(cuda)
    for optimizer in (SGD, AdamW):
        assert guard.defers(optimizer([{"params": list(net.parameters())}], lr=0.1), Precision("bf16", cuda))
