"""Schedules against torch's own, over whole runs."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from danlu.training.schedules.base import Horizon, WarmUp
from danlu.training.schedules.constant import Constant
from danlu.training.schedules.cosine import Cosine
from danlu.training.schedules.one_cycle import OneCycle
from danlu.training.schedules.step import Step


def torch_rates(make: object, steps: int, optimizer: torch.optim.Optimizer) -> list[float]:
    schedule = make(optimizer)  # type: ignore[operator]
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def sgd(lr: float = 1.0) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("peak", [0.2, 0.3, 0.45])
def test_one_cycle_is_torchs(linear: bool, peak: float) -> None:
    optimizer = sgd()
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=120, pct_start=peak, anneal_strategy="linear" if linear else "cos"
    )
    ours = OneCycle(peak=peak, linear=linear)
    for step in range(120):
        rates = ours.at(step, Horizon(120, 10))
        assert rates.factor == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9, abs=1e-12)
        assert rates.momentum == pytest.approx(optimizer.param_groups[0]["momentum"], rel=1e-9)
        optimizer.step()
        if step < 119:
            reference.step()


def test_one_cycle_moves_momentum_against_the_rate() -> None:
    rates = [OneCycle().at(step, Horizon(100, 10)) for step in range(100)]
    factors, momenta = zip(*rates, strict=True)
    assert momenta[factors.index(max(factors))] == min(momenta)
    assert OneCycle(cycle_momentum=False).at(3, Horizon(100, 10)).momentum is None


def test_step_is_torchs() -> None:
    optimizer = sgd()
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=30, gamma=0.1), 100, optimizer)
    ours = [Step(every=3, gamma=0.1).at(step, Horizon(100, 10)).factor for step in range(100)]
    assert ours == pytest.approx(expected)


def test_cosine_is_torchs() -> None:
    optimizer = sgd()
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50), 50, optimizer)
    ours = [Cosine().at(step, Horizon(50, 10)).factor for step in range(50)]
    assert ours == pytest.approx(expected, abs=1e-9)


def test_cosine_restarts_are_torchs() -> None:
    optimizer = sgd()
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2), 70, optimizer
    )
    ours = [Cosine(restarts=2, multiply=2).at(step, Horizon(70, 10)).factor for step in range(70)]
    assert ours == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 40), st.integers(2, 400))
def test_warm_up_rises_evenly_then_leaves_the_schedule_alone(warm: int, steps: int) -> None:
    schedule = WarmUp(Constant(), warm)
    rates = [schedule.at(step, Horizon(steps, 7)).factor for step in range(warm + 3)]
    differences = [b - a for a, b in itertools.pairwise(rates[: warm + 1])]
    assert all(math.isclose(d, 1 / (warm + 1), rel_tol=1e-9) for d in differences)
    assert rates[warm:] == [1.0, 1.0, 1.0]
