"""The learning rate's lesson: trainings beside a loop written by hand, schedules beside torch's, the valley beside its formula."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torch.optim import lr_scheduler

from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.learn.builtin import Builtin
from danlu.learn.limits import Limit, largest
from danlu.learn.own import own
from danlu.learn.rate import (
    CURVATURES,
    FINDER,
    HIGHEST,
    START,
    STEPS,
    STRIDES,
    Bench,
    RateAsked,
    factors,
    valley,
    walk,
)
from danlu.learn.stage import Fixed, Stage
from danlu.nn.parameters import split_parameters
from danlu.nn.terms.base import Term
from danlu.randomness import Position, torch_seed
from danlu.training.feeds import TARGET
from danlu.training.finder import find_rate
from danlu.training.objective import Objective
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sgd import SGD
from tests.learn import played


@pytest.fixture(scope="module")
def bench(builtin: Builtin) -> Bench:
    """Its range test is done once."""
    return Bench(builtin.stage)


def patience() -> Limit:
    return Limit(math.inf)


def by_hand(stage: Stage, peak: float, schedule: list[float]) -> list[float]:
    """Losses before each step of SGD with momentum, as anybody writes it with torch."""
    net = stage.fresh().train()
    decayed, others = ([p for _, p in named] for named in split_parameters(net))
    groups = [{"params": decayed, "weight_decay": stage.plan.decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=peak, momentum=0.9, nesterov=True, fused=True)
    losses = []
    for step, (batch, factor) in enumerate(zip(islice(cycle(stage.batches), len(schedule)), schedule, strict=True)):
        for group in optimizer.param_groups:
            group["lr"] = peak * factor
        torch.manual_seed(torch_seed(Position(stage.plan.seed, 0, step)))
        inputs, labels = played.pair(batch)
        loss = F.cross_entropy(net(inputs), labels, reduction="sum") / len(labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        if stage.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_([*decayed, *others], stage.plan.clip_norm)
        optimizer.step()
    return losses


def test_the_finder_is_the_one_of_training(builtin: Builtin) -> None:
    said = Bench(builtin.stage).rate(RateAsked(), patience())["finder"]
    found = find_rate(
        builtin.stage.fresh(),
        builtin.stage.objective,
        Fixed(builtin.stage.batches),
        builtin.stage.plan,
        steps=FINDER,
        high=HIGHEST,
    )
    assert said == {"rates": found.rates, "losses": found.losses, "suggestion": found.suggestion}


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_a_training_is_the_loop_by_hand_bit_for_bit(bench: Bench, builtin: Builtin, schedule: Any) -> None:
    said = bench.rate(RateAsked(factor=0.5, schedule=schedule), patience())
    peak = 0.5 * said["finder"]["suggestion"]
    assert said["steps"] == STEPS
    assert said["asked"]["losses"] == by_hand(builtin.stage, peak, said["schedule"])
    assert said["asked"]["rates"] == [peak * factor for factor in said["schedule"]]
    assert said["asked"]["end"] == pytest.approx(sum(said["asked"]["losses"][-10:]) / 10)
    assert said["base"]["losses"] == by_hand(builtin.stage, said["finder"]["suggestion"], said["schedule"])


def test_dropout_batch_norm_and_clipping_are_in_it() -> None:
    def make() -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(144, 3))
        )

    stage = played.stage(make, played.batches((1, 8, 8)), clip_norm=0.5)
    found = walk(stage, 0.05, "cosine", 30, patience())
    assert list(found.losses) == by_hand(stage, 0.05, factors("cosine", 30, 4))
    assert (
        found.losses
        != walk(replace(stage, plan=replace(stage.plan, clip_norm=None)), 0.05, "cosine", 30, patience()).losses
    )


def test_the_plans_own_optimiser_is_used() -> None:
    stage = played.stage(lambda: nn.Linear(6, 3), played.batches((6,)), optimizer=AdamW)
    found = walk(stage, 0.03, "constant", 20, patience())
    net = stage.fresh().train()
    optimizer = torch.optim.AdamW(
        [{"params": [net.weight], "weight_decay": 0.01}, {"params": [net.bias], "weight_decay": 0.0}], lr=0.03
    )
    for batch, loss in zip(islice(cycle(stage.batches), 20), found.losses, strict=True):
        inputs, labels = played.pair(batch)
        mine = F.cross_entropy(net(inputs), labels)
        assert loss == pytest.approx(mine.item(), rel=1e-5)
        optimizer.zero_grad()
        mine.backward()
        optimizer.step()


def test_too_small_learns_little_too_large_explodes(bench: Bench) -> None:
    small, large = (bench.rate(RateAsked(factor=factor), patience()) for factor in (1e-3, 1e3))
    base = small["base"]
    first = base["losses"][0]
    assert base["end"] < 0.1 * first
    assert small["asked"]["end"] > 0.9 * first
    asked = large["asked"]
    assert asked["exploded"]
    assert asked["end"] is None
    assert len(asked["losses"]) < STEPS
    assert asked["losses"][-1] is None or asked["losses"][-1] > 8 * first
    assert all(loss <= 8 * first for loss in asked["losses"][:-1])


class Told(Term):
    """Its loss is the square of what the net gives, or that itself."""

    def __init__(self, power: int) -> None:
        super().__init__(TARGET)
        self.power = power

    def count(self, batch: Batch) -> torch.Tensor:
        return torch.tensor(len(batch)).double()

    def forward(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs**self.power).sum()


def still(power: int, weight: float) -> Stage:
    """Weight times 1, learnt without momentum and decay."""

    def make() -> nn.Module:
        net = nn.Linear(1, 1, bias=False)
        nn.init.constant_(net.weight, weight)
        return net

    made = played.stage(make, played.batches((1,)), optimizer=partial(SGD, momentum=0.0), decay=0.0)
    ones = tuple(batch.with_columns(input0=torch.ones(len(batch), 1)) for batch in made.batches)
    return replace(made, objective=Objective({"told": Told(power)}), batches=ones)


def test_training_has_failed_once_the_loss_is_eight_times_what_it_was() -> None:
    """At a rate of 1.05 each step multiplies w by −1.1, so the loss w² by 1.21."""
    found = walk(still(2, 0.5), 1.05, "constant", 60, patience())
    assert found.exploded
    assert found.losses == pytest.approx([0.25 * 1.21**step for step in range(len(found.losses))], rel=1e-4)
    assert found.losses[-2] <= 2.0 < found.losses[-1]


def test_a_loss_below_zero_is_no_failure() -> None:
    found = walk(still(1, -0.5), 0.1, "constant", 10, patience())
    assert not found.exploded
    assert found.losses == pytest.approx([-0.5 - 0.1 * step for step in range(10)], rel=1e-5)


def test_a_loss_that_is_no_number_is_an_explosion() -> None:
    class Wild(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(6, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ self.weight).exp().exp()

    found = walk(played.stage(Wild, played.batches((6,))), 10.0, "constant", 20, patience())
    assert found.exploded
    assert not math.isfinite(found.losses[-1])
    assert found.as_dict()["losses"][-1] is None


@settings(max_examples=30)
@given(st.integers(24, 200), st.integers(1, 40))
def test_schedules_are_torchs(steps: int, per_epoch: int) -> None:
    def torchs(make: Any) -> list[float]:
        weight = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.9)
        scheduler = make(optimizer)
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(found) < steps:
                scheduler.step()
        return found

    assert factors("constant", steps, per_epoch) == [1.0] * steps
    wanted = torchs(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps))
    assert factors("cosine", steps, per_epoch) == pytest.approx(wanted, abs=1e-12)
    wanted = torchs(lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=steps))
    assert factors("one-cycle", steps, per_epoch) == pytest.approx(wanted, abs=1e-12)
    third = steps - steps % 3
    wanted = torchs(lambda optimizer: lr_scheduler.StepLR(optimizer, max(third // 3, 1), 0.1))
    assert factors("step", third, per_epoch) == pytest.approx(wanted[:third], rel=1e-9)


@settings(max_examples=60)
@given(st.floats(1e-3, 1e3))
def test_the_valley_is_walked_by_its_formula(factor: float) -> None:
    """Of ½·k·a² each stride multiplies a by 1 − rate·k: it converges where that is less than 1 in size."""
    said = valley(factor)
    rate = factor * 2 / CURVATURES[1] / said["critical"]
    for stride, place in enumerate(said["path"]):
        wanted = [start * (1 - rate * k) ** stride for start, k in zip(START, CURVATURES, strict=True)]
        assert place == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    last = max(map(abs, said["path"][-1]))
    if factor < 0.99 * said["critical"]:
        assert len(said["path"]) == STRIDES + 1
        assert abs(said["path"][-1][1]) < abs(START[1])
    elif factor > 2 * said["critical"]:
        assert last > 20


def test_a_run_of_its_own(convolutions: Path) -> None:
    stage = own(convolutions)
    said = Bench(stage).rate(RateAsked(schedule="one-cycle"), patience())
    net, losses = stage.fresh().train(), []
    optimizer = torch.optim.SGD(
        [
            {"params": [p for _, p in part], "weight_decay": decay}
            for part, decay in zip(split_parameters(net), (stage.plan.decay, 0.0), strict=True)
        ],
        lr=1.0,
        momentum=0.9,
        nesterov=True,
    )
    for batch, factor in zip(cycle(stage.batches), said["schedule"][:40], strict=False):
        for group in optimizer.param_groups:
            group["lr"] = said["finder"]["suggestion"] * factor
        loss = F.cross_entropy(net(batch["image"]), batch["label"])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert said["base"]["losses"][:40] == pytest.approx(losses, rel=1e-4)
    assert said["base"]["end"] < said["base"]["losses"][0]
    assert said["samples"] == len(stage.batches[0])
    assert not said["published"]


def test_what_was_computed_is_kept(builtin: Builtin, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(builtin.stage)
    one = bench.rate(RateAsked(factor=2.0), patience())
    over = Limit(0)
    assert over.over
    assert bench.rate(RateAsked(factor=2.0), over) == one
    with pytest.raises(DanluError, match="too slow"):
        bench.rate(RateAsked(factor=3.0), over)
    monkeypatch.setattr("danlu.learn.rate.KEPT", 2)
    bench.rate(RateAsked(factor=3.0), patience())
    with pytest.raises(DanluError, match="too slow"):
        bench.rate(RateAsked(factor=2.0), over)  # forgotten: others came after it
    assert bench.rate(RateAsked(factor=2.0), patience()) == one


def test_it_gives_up_where_nobody_waits(builtin: Builtin) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(DanluError):
        Bench(builtin.stage).rate(RateAsked(), Limit(stop=stop))


def test_nothing_to_train_and_no_rate_that_helps() -> None:
    frozen = played.stage(lambda: nn.Linear(6, 3).requires_grad_(False), played.batches((6,)))
    with pytest.raises(DanluError):
        Bench(frozen).rate(RateAsked(), patience())

    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :3] + 0 * self.weight

    with pytest.raises(DanluError):
        Bench(played.stage(Deaf, played.batches((6,)))).rate(RateAsked(), patience())


def test_sizes_are_tried_as_far_as_they_fit() -> None:
    tried: list[int] = []
    assert largest((4, 8, 16), tried.append, 10.0) == 16
    assert sorted(set(tried)) == [4, 8, 16]
    tried.clear()
    assert largest((4, 8, 16), tried.append, 0.0) == 4
    assert set(tried) == {4}


@pytest.mark.parametrize(
    "controls",
    [{"factor": 0}, {"factor": 1001}, {"factor": float("nan")}, {"factor": -1}, {"schedule": "poly"}, {"x": 1}],
)
def test_other_controls_are_refused(controls: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RateAsked(**controls)
