"""Steps by a clock that only they move: what is told is what they take in the long run, whatever disturbs some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.runs import happening
from danlu.training.events import Captured, CheckpointSaved, Evaluated, StepsDone
from danlu.training.forecast import timing, trial
from danlu.training.forecast.figures import Took
from danlu.training.forecast.timing import take_time
from danlu.training.forecast.trial import try_out
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sparse_adam import SparseAdam
from danlu.training.plan import Plan
from tests.training.feeds import ArrayFeed, blobs, cross_entropy, small_net
from tests.training.test_looking_rows import Words, feed
from tests.training.test_windows import Float, Pictures, plan_of

CPU = torch.device("cpu")


class Clock:
    """In the place of ``time``. half: of each second the processor works for somebody else."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now / 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def told(
    clock: Clock, cost: Callable[[int], float], seconds: float, most: int = 10**9, least: int = 1
) -> tuple[Took, int]:
    """What is told of steps of which the n-th takes ``cost(n)`` seconds, and how many were done."""
    numbers = count()

    def step() -> None:
        clock.now += cost(next(numbers))

    return take_time(step, CPU, seconds, most, lambda: least), next(numbers)


def test_both_clocks_are_told(clock: Clock) -> None:
    found, _ = told(clock, lambda _: 0.25, 1.0)
    assert found == pytest.approx((0.25, 0.125))


@pytest.mark.parametrize("joined", [2, 5, 16])
def test_what_is_done_for_several_steps_at_once_belongs_to_all_of_them(clock: Clock, joined: int) -> None:
    """The median of single steps would never see it."""
    found, _ = told(clock, lambda step: 0.01 + 0.1 * (step % joined == 0), 20.0, least=joined)
    assert found.seconds == pytest.approx(0.01 + 0.1 / joined, rel=0.1)


def test_the_first_steps_and_a_disturbance_do_not_count(clock: Clock) -> None:
    found, _ = told(clock, lambda step: 5.0 if step < 2 or step in (9, 10) else 0.25, 20.0)
    assert found.seconds == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("each", "seconds", "steps"),
    [
        (0.25, 3.0, 12),  # as long as is asked for
        (1.0, 3.0, 6),  # then until there are several
        (4.0, 3.0, 3),  # but no longer than four times as long
        (60.0, 3.0, 1),
        (0.25, 0.0, 1),
    ],
)
def test_how_long_steps_are_timed(clock: Clock, each: float, seconds: float, steps: int) -> None:
    assert told(clock, lambda _: each, seconds) == (Took(each, each / 2), steps)


def test_short_steps_are_no_more_than_one_wants(clock: Clock) -> None:
    _, steps = told(clock, lambda _: 0.001, 100.0, most=100)
    assert 100 <= steps < 100 + 64


class Counting:
    """A transform that only copies; how many samples each call was given."""

    copies, partners = True, 0

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, batch: Batch, *_: Any) -> Batch:
        self.calls.append(len(batch))
        return batch


def test_batches_are_transformed_together_as_the_loop_does() -> None:
    """Sixteen at once take a fraction of sixteen calls' time: a trial that took each alone would foresee steps too long."""
    pictures = Pictures(2, 1, False)
    pictures.columns["place"] %= 3
    net = nn.Sequential(Float(), nn.Flatten(), nn.Linear(81, 3))
    tried, trained = Counting(), Counting()
    given = net, Objective({"loss": CrossEntropy(target="place")}), pictures
    plan = replace(plan_of(pictures, "flip"), epochs=1)
    try_out(*given, replace(plan, transforms=[tried]), seconds=0.0, most=1)
    fit(*given, replace(plan, transforms=[trained]))
    assert trained.calls == [2, 32, 32, 32, 2]
    assert tried.calls == trained.calls[: len(tried.calls)]
    assert len(tried.calls) > 1


@pytest.mark.parametrize(
    ("net", "batches", "optimizer", "moved"),
    [
        (
            small_net(),
            ArrayFeed(*blobs(64), 8),
            AdamW,
            {"0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"},
        ),
        (Words(), feed(), SparseAdam, {"words.weight", "head.weight", "head.bias"}),
    ],
    ids=["dense", "sparse"],
)
def test_a_look_is_taken_at_a_real_step(
    net: nn.Module, batches: ArrayFeed, optimizer: Any, moved: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradients and updates are there to be looked at, as in training; else a look takes less than it will."""
    seen: list[Captured] = []
    monkeypatch.setattr(trial._Wanting, "on", lambda self, event: seen.append(event))
    plan = Plan(epochs=1, captures_every=1, optimizer=optimizer)
    found = try_out(net, cross_entropy(), batches, plan, most=1)
    assert len(seen) > 1
    for event in seen:
        assert {one.parameter for one in event.parameters if one.gradient and one.update > 0} == moved
    assert min(found.look) > 0


def test_a_training_tells_the_processors_time_of_its_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of judging and saving between them; the first block counts only where it is the only one."""
    now = [0.0]
    monkeypatch.setattr(happening, "time", SimpleNamespace(process_time=lambda: now[0], perf_counter=lambda: 0.0))
    meter = happening.Meter()

    def tell(event: Any, cpu: float) -> None:
        now[0] += cpu
        meter.on(event)

    def block(first: int, steps: int, seconds: float) -> StepsDone:
        return StepsDone(first + steps, 0, tuple(range(first, first + steps)), {}, steps, seconds, 0.0)

    assert meter.step is None
    tell(block(0, 2, 10.0), 8.0)
    assert meter.step == (5.0, 4.0)
    tell(block(2, 4, 8.0), 4.0)
    tell(Evaluated(6, 0, "val", {}, {}, True, 100.0), 100.0)
    tell(CheckpointSaved(6, 0, "", 50.0), 50.0)
    tell(block(6, 1, 1.0), 2.0)
    assert meter.step == pytest.approx((9.0 / 5, 6.0 / 5))
