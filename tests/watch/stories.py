"""Events of made-up runs, with a clock that is set by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from danlu.training.events import (
    CheckpointSaved,
    EpochDone,
    Evaluated,
    EvaluationProgress,
    Event,
    FitDone,
    FitStarted,
    Said,
    StepsDone,
)


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def block(start: int, count: int, epoch: int = 0, seconds: float = 1.0, **values: float) -> StepsDone:
    """Steps at positions start … start + count − 1, whose loss falls."""
    steps = tuple(range(start, start + count))
    series = {
        "train/loss": tuple(0.1 + 2 * math.exp(-step / 50) for step in steps),
        "lr": tuple(0.01 / (1 + step) for step in steps),
        "grad_norm": tuple(1 + math.sin(step) / 3 for step in steps),
    }
    series |= {name: (value,) * count for name, value in values.items()}
    return StepsDone(start + count, epoch, steps, series, 32 * count, seconds, 0.1 * seconds)


@dataclass
class Story:
    """A run at constant speed; every event comes when its time has come on ``clock``."""

    clock: Clock
    epochs: int = 4
    steps_per_epoch: int = 20
    per_block: int = 5
    step_seconds: float = 0.2
    evaluation_seconds: float = 3.0
    checkpoint_seconds: float = 0.5
    evaluate_every: int = 1
    pace: Callable[[int], float] = lambda step: 1.0  # a step's time, as a multiple

    def events(self) -> Iterator[Event]:
        total = self.epochs * self.steps_per_epoch
        slots = (("objective", "1·cross-entropy"), ("update", "AdamW"))
        yield FitStarted(0, 0, total, self.epochs, self.steps_per_epoch, 32, slots, "val/accuracy", self.evaluate_every)
        began, best = self.clock.now, 0.0
        for epoch in range(self.epochs):
            since = self.clock.now
            for first in range(epoch * self.steps_per_epoch, (epoch + 1) * self.steps_per_epoch, self.per_block):
                count = min(self.per_block, (epoch + 1) * self.steps_per_epoch - first)
                seconds = sum(self.step_seconds * self.pace(step) for step in range(first, first + count))
                self.clock.now += seconds
                yield block(first, count, epoch, seconds)
            step = (epoch + 1) * self.steps_per_epoch
            yield EpochDone(step, epoch, {"train/loss": 1 / (epoch + 1)}, self.clock.now - since)
            if (epoch + 1) % self.evaluate_every == 0 or epoch + 1 == self.epochs:
                for done in range(1, 5):
                    self.clock.now += self.evaluation_seconds / 4
                    yield EvaluationProgress(0, 0, "val", done, 4)
                accuracy = 0.5 + 0.1 * min(epoch, 2)
                values = {"val/loss": 1.1 / (epoch + 1), "val/accuracy": accuracy, "val/top5": 0.9}
                bounds = {"val/accuracy": (accuracy - 0.02, accuracy + 0.02)}
                yield Evaluated(step, epoch, "val", values, bounds, accuracy > best, self.evaluation_seconds)
                best = max(best, accuracy)
            self.clock.now += self.checkpoint_seconds
            yield CheckpointSaved(step, epoch + 1, f"checkpoints/{step:06d}", self.checkpoint_seconds)
            if epoch == 0:
                yield Said(step, epoch, "标签 7 在验证集中没有样本，准确率的区间会偏宽。", "warning")
                yield Said(step, epoch, "bf16 is used: it agrees with fp32 on a real batch.")
        yield FitDone(total, self.epochs, "finished", self.clock.now - began, {"val/accuracy": best})
        yield EvaluationProgress(0, 0, "test", 1, 2)
        tested = {"test/loss": 0.4, "test/accuracy": 0.71}
        yield Evaluated(total, self.epochs, "test", tested, {"test/accuracy": (0.68, 0.74)}, False, 2.0)
