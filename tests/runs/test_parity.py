"""Half precision is taken where it agrees with fp32 on the first batch and is faster, and else said why not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.runs import parity
from danlu.runs.choices import Choices
from danlu.training.feeds import TensorFeed
from danlu.training.fitting import as_objective

CPU = torch.device("cpu")


class Net(nn.Module):
    """A linear model that, where ``wrong``, answers something else under autocast, as a broken kernel would."""

    def __init__(self, wrong: float = 0.0) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.wrong = wrong

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        return y.float() + self.wrong * x[:, :3] if torch.is_autocast_enabled("cpu") else y


@pytest.fixture(autouse=True)
def _with_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "supported", lambda device: ("bf16", "fp32"))


def first(seed: int = 0) -> Batch:
    torch.manual_seed(seed)
    feed = TensorFeed((torch.randn(32, 6), torch.randint(3, (32,))), 32, 0, CPU, True)
    batch: Batch = next(iter(feed.epoch(0)))
    return batch


def ticking(monkeypatch: pytest.MonkeyPatch, costs: dict[str, float]) -> None:
    """A clock by which a step in a precision costs what is said."""
    now, entered = [0.0], parity.Precision.autocast

    def autocast(self: parity.Precision) -> Any:
        now[0] += costs[self.name]
        return entered(self)

    class Time:
        process_time = staticmethod(lambda: now[0])
        perf_counter = staticmethod(lambda: 0.0)

    monkeypatch.setattr(parity.Precision, "autocast", autocast)
    monkeypatch.setattr(parity, "time", Time)


@pytest.fixture(params=["faster", "slower"])
def cost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    ticking(monkeypatch, {"fp32": 2.0, "bf16": 1.0 if request.param == "faster" else 1.99})
    return str(request.param)


def test_it_is_taken_where_it_agrees_and_is_faster(cost: str) -> None:
    choices = Choices()
    name = parity.precision(Net(), as_objective("cross-entropy"), first(), CPU, choices)
    assert name == ("bf16" if cost == "faster" else "fp32")
    value, reason = choices.made["train.precision"]
    assert value == name
    assert ("2.0" if cost == "faster" else "1.0") in reason


def test_what_differs_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    ticking(monkeypatch, {"fp32": 2.0, "bf16": 1.0})
    choices = Choices()
    assert parity.precision(Net(wrong=2.0), as_objective("cross-entropy"), first(), CPU, choices) == "fp32"
    assert "%" in choices.made["train.precision"][1]


def test_a_step_that_fails_is_told_and_left_to_the_checks() -> None:
    choices = Choices()
    assert parity.precision(Net(), as_objective("mse"), first(), CPU, choices) == "fp32"
    assert "shape" in choices.made["train.precision"][1]


def test_the_net_is_left_as_it_was() -> None:
    net = Net().eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    parity.precision(net, as_objective("cross-entropy"), first(), CPU, Choices())
    assert not net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
