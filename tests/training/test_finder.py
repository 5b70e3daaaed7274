"""The learning-rate finder on a problem whose best rates are known, with noise, and without any."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from danlu.errors import TrainingError
from danlu.nn.terms.mse import MSE
from danlu.training.feeds import TARGET, TensorFeed
from danlu.training.finder import find_rate
from danlu.training.objective import Objective
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan

CPU = torch.device("cpu")


class Line(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).squeeze(1)


def feed(noise: float, slope: float = 1.0, size: int = 32) -> TensorFeed:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(640, 8, generator=generator)
    target = slope * inputs.sum(1) + noise * torch.randn(640, generator=generator)
    return TensorFeed((inputs, target), size, 0, CPU)


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
def test_the_rate_learns_and_does_not_diverge(noise: float) -> None:
    """Plain gradient descent on this line (curvature 2) diverges above 1 and hardly moves in 100 steps below 1e-3."""
    net = Line(8, 1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plan = Plan(optimizer=lambda groups, **own: SGD(groups, momentum=0.0, **own), decay=0.0)
    found = find_rate(net, Objective({"mse": MSE(TARGET)}), feed(noise), plan)
    assert 5e-3 < found.suggestion < 0.7
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_where_nothing_is_to_be_learnt_it_says_so() -> None:
    net = Line(8, 1)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    with pytest.raises(TrainingError):
        find_rate(net, Objective({"mse": MSE(TARGET)}), feed(0.0, slope=0.0), Plan())


def test_a_step_of_the_test_is_a_step_of_training() -> None:
    """Accumulated, it finds what whole batches find; clipped to nearly nothing, only far greater rates lower the loss."""
    goal, plan = Objective({"mse": MSE(TARGET)}), Plan(optimizer=SGD, decay=0.0)
    torch.manual_seed(0)
    net = Line(8, 1)
    whole = find_rate(net, goal, feed(1.0), plan)
    pieces = find_rate(net, goal, feed(1.0, size=8), replace(plan, accumulate=4))
    assert pieces.losses == pytest.approx(whole.losses, rel=1e-3)
    assert pieces.suggestion == pytest.approx(whole.suggestion)
    clipped = find_rate(net, goal, feed(1.0), replace(plan, clip_norm=0.1))
    assert clipped.suggestion > 2 * whole.suggestion
    assert find_rate(net, goal, feed(1.0), replace(plan, l1=3.0)).losses != whole.losses
