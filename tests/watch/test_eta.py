"""The time left against simulated runs whose end is known."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pytest

from danlu.training.events import EvaluationProgress, FitDone, FitStarted, StepsDone
from danlu.watch.state import State
from tests.watch.stories import Clock, Story


@dataclass
class Told:
    """At each event: share of the steps done, phase, seconds left that were told, seconds that were left."""

    share: float
    kind: str
    told: float
    true: float


def replay(story: Story) -> list[Told]:
    """What the estimator said at each event of the fit, beside the truth."""
    state, found = State(story.clock), []
    for event in story.events():
        state.on(event)
        if isinstance(event, FitDone):
            break
        if not isinstance(event, FitStarted) and (left := state.eta.run()) is not None:
            found.append((story.clock.now, state.step / state.total_steps, type(event).__name__, left))
    end = story.clock.now
    return [Told(share, kind, left, end - now) for now, share, kind, left in found]


def worst(told: list[Told], least: float = 5.0) -> float:
    """Largest relative error while at least ``least`` seconds are left."""
    return max(abs(point.told / point.true - 1) for point in told if point.true >= least)


@pytest.mark.parametrize("evaluation", [0.01, 3.0, 40.0])
def test_within_a_tenth_after_a_twentieth_at_constant_speed(evaluation: float) -> None:
    """40 epochs: the first evaluations are seen within the first twentieth."""
    story = Story(Clock(), epochs=40, evaluation_seconds=evaluation, checkpoint_seconds=0.3)
    told = [point for point in replay(story) if point.share > 0.05]
    assert worst(told) < 0.1


def test_within_a_tenth_after_a_twentieth_in_a_single_epoch() -> None:
    story = Story(Clock(), epochs=1, steps_per_epoch=2000, evaluation_seconds=16.0)
    told = [point for point in replay(story) if point.share > 0.05 and point.kind == "StepsDone"]
    assert worst(told) < 0.1


@pytest.mark.parametrize("every", [2, 3, 5])
def test_evaluations_that_are_rarer_than_epochs_are_foreseen(every: int) -> None:
    story = Story(Clock(), epochs=40, evaluate_every=every, evaluation_seconds=10.0)
    told = [point for point in replay(story) if point.share > 0.15]
    assert worst(told) < 0.1


def test_warm_up_of_the_first_steps_is_forgotten() -> None:
    """The first block takes 90 s (compilation), all others 1 s."""
    story = Story(Clock(), epochs=20, pace=lambda step: 90.0 if step < 5 else 1.0)
    told = [point for point in replay(story) if point.share > 0.05]
    assert worst(told) < 0.1


def test_noise_makes_it_neither_wrong_nor_jump() -> None:
    noise = random.Random(0)
    times = [noise.lognormvariate(0, 0.5) for _ in range(4000)]
    mean = sum(times) / len(times)
    story = Story(Clock(), epochs=20, steps_per_epoch=200, evaluation_seconds=4.0, pace=lambda step: times[step] / mean)
    told = [point for point in replay(story) if point.share > 0.05]
    assert worst(told, least=60) < 0.12
    ends = np.array([point.told - point.true for point in told])  # moves of the foreseen end
    assert np.abs(np.diff(ends)).max() < 0.04 * (told[0].true)


def test_a_hiccup_hardly_moves_it_and_a_lasting_change_does() -> None:
    hiccup = Story(Clock(), epochs=20, steps_per_epoch=100, pace=lambda step: 300.0 if step == 700 else 1.0)
    told = [point for point in replay(hiccup) if point.share > 0.36]
    assert worst(told, least=20) < 0.35
    assert worst([point for point in told if 0.5 < point.share < 0.9]) < 0.2
    slower = Story(Clock(), epochs=20, steps_per_epoch=100, pace=lambda step: 3.0 if step >= 700 else 1.0)
    assert worst([point for point in replay(slower) if 0.5 < point.share < 0.95]) < 0.2


def test_a_suspended_night_is_not_extrapolated() -> None:
    story = Story(Clock(), epochs=20, steps_per_epoch=100, pace=lambda step: 150_000.0 if step == 400 else 1.0)
    told = [point for point in replay(story) if 0.21 < point.share < 0.9]
    assert worst(told) < 1.0


def test_checkpoints_count() -> None:
    story = Story(Clock(), epochs=40, evaluation_seconds=1.0, checkpoint_seconds=4.0)
    told = [point for point in replay(story) if point.share > 0.1]
    assert worst(told) < 0.05


def test_it_runs_down_evenly_within_an_evaluation() -> None:
    story = Story(Clock(), epochs=10, evaluation_seconds=40.0)
    told = [point for point in replay(story) if point.kind == "EvaluationProgress" and point.share > 0.15]
    assert worst(told) < 0.05


def test_it_runs_down_between_blocks_and_waits_for_late_ones() -> None:
    clock = Clock()
    state = State(clock)
    state.on(FitStarted(0, 0, 1000, 1, 1000, 32, evaluate_every=0))
    assert state.eta.run() is None
    for start in range(0, 50, 10):
        clock.now += 2.0
        state.on(StepsDone(start + 10, 0, tuple(range(start, start + 10)), {}, 320, 2.0, 0.0))
    assert state.eta.run() == pytest.approx(950 * 0.2)
    assert state.eta.epoch() == pytest.approx(950 * 0.2)
    clock.now += 1.5
    assert state.eta.run() == pytest.approx(950 * 0.2 - 1.5)
    clock.now += 60
    assert state.eta.run() == pytest.approx(950 * 0.2 - 4)


def test_a_resumed_run_counts_only_what_is_left() -> None:
    clock = Clock()
    state = State(clock)
    state.on(FitStarted(900, 9, 1000, 10, 100, 32, evaluate_every=1))
    for start in range(900, 950, 10):
        clock.now += 1.0
        state.on(StepsDone(start + 10, 9, tuple(range(start, start + 10)), {}, 320, 1.0, 0.0))
    left = state.eta.run()
    assert left is not None
    assert 5.0 < left < 5.6  # fifty steps of 0.1 s, and a guessed evaluation
    state.on(EvaluationProgress(0, 0, "val", 0, 10))
    clock.now += 4.0
    state.on(EvaluationProgress(0, 0, "val", 4, 10))
    assert state.eta.evaluation() == pytest.approx(6.0)


def test_block_times_that_hold_an_evaluation_are_not_believed() -> None:
    """A loop that counts an evaluation into the next block's seconds tells the same speed."""
    clock = Clock()
    state = State(clock)
    for event in Story(clock, epochs=3, evaluation_seconds=30.0).events():
        if isinstance(event, StepsDone) and event.step % 20 == 5 and event.step > 5:
            event = StepsDone(
                event.step, event.epoch, event.steps, event.values, event.samples, event.seconds + 30, 0.1
            )
        state.on(event)
        if isinstance(event, StepsDone):
            assert state.speed == pytest.approx(32 / 0.2)
