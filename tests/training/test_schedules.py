"""Schedules against torch's own, over whole runs."""

from __future__ import annotations

import itertools
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import danlu
from danlu.errors import RecipeError
from danlu.training.events import Evaluated, StepsDone
from danlu.training.schedules.base import Horizon, WarmUp
from danlu.training.schedules.constant import Constant
from danlu.training.schedules.cosine import Cosine
from danlu.training.schedules.one_cycle import OneCycle
from danlu.training.schedules.reduce_on_plateau import ReduceOnPlateau
from danlu.training.schedules.step import Step
from danlu.training.slots.plateau import Plateau
from tests.training.feeds import Recorder


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


VALUES = st.floats(-2, 2) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 0.1, 0.2])


@given(
    st.lists(VALUES, max_size=40), st.sampled_from([-1, 1]), st.integers(0, 3), st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.5, 0.3]), st.sampled_from([0.0, 0.05]),
)  # fmt: skip
def test_the_plateau_is_torchs(
    values: list[float], sign: int, patience: int, delta: float, factor: float, floor: float
) -> None:
    """The same rates, evaluation for evaluation, also from a state that was kept as JSON after the half of them."""
    optimizer = sgd()
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "min" if sign < 0 else "max", factor, patience, delta, threshold_mode="abs", min_lr=floor, eps=0.0
    )
    asked = ReduceOnPlateau(factor, patience, delta, floor, "val/m")
    ours = Plateau(asked, sign, 0, None)
    for number, value in enumerate(values):
        if number == len(values) // 2:
            state, ours = ours.state(), Plateau(asked, sign, 0, None)
            ours.load(json.loads(json.dumps(state)))
        theirs.step(value)
        ours.judged({"val/m": value}, number)
        assert ours.factor == optimizer.param_groups[0]["lr"]


def test_evaluations_of_the_warm_up_and_after_the_rate_is_held_dont_count() -> None:
    plateau = Plateau(ReduceOnPlateau(0.5, 0), -1, first=10, last=20)
    for step, factor in ((4, 1), (9, 1), (10, 1), (12, 0.5), (20, 0.25), (21, 0.25), (30, 0.25)):
        plateau.judged({"val/loss": 1.0}, step)
        assert plateau.factor == factor, step


def test_a_training_lowers_its_rate_where_its_evaluations_stand_still() -> None:
    """By torch's own schedule, told the evaluations of the run itself; the warm-up's are passed over."""
    draw = torch.Generator().manual_seed(0)
    data = torch.randn(32, 3, generator=draw), torch.randint(0, 2, (32,), generator=draw)
    told = Recorder()
    danlu.fit(
        torch.nn.Linear(3, 2), torch.nn.functional.cross_entropy, data, validation=data, batch_size=16, epochs=12, lr=0.5,
        optimizer="sgd", schedule={"reduce-on-plateau": {"factor": 0.5, "patience": 1}}, warmup=4, watchers=(told,),
    )  # fmt: skip
    rates = [rate for each in told.events if isinstance(each, StepsDone) for rate in each.values["lr"]]
    found = [each.values["val/loss"] for each in told.events if isinstance(each, Evaluated)]
    optimizer = sgd(0.5)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=1, threshold=0.0, threshold_mode="abs"
    )
    expected = [0.1, 0.2, 0.3, 0.4]
    for epoch, value in enumerate(found[:-1], start=1):
        if epoch >= 2:
            theirs.step(value)
            expected += [optimizer.param_groups[0]["lr"]] * 2
    assert rates == pytest.approx(expected)
    assert rates[-1] < 0.5


def test_without_evaluations_it_is_refused() -> None:
    data = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(RecipeError, match=r"schedule"):
        danlu.fit(torch.nn.Linear(3, 2), torch.nn.functional.cross_entropy, data, schedule="reduce-on-plateau")
