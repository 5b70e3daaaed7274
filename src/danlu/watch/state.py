"""What is known of a running fit, gathered from its events; screens draw it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from danlu.training.events import (
    CheckpointSaved,
    Compared,
    Diagnosed,
    EpochDone,
    Evaluated,
    EvaluationProgress,
    Event,
    FitDone,
    FitStarted,
    Said,
    StepsDone,
)
from danlu.watch.curves import Trace
from danlu.watch.eta import Clock, Eta

Phase = Literal["preparing", "training", "evaluating", "testing", "done"]

LOSS = "train/loss"
RECENT = 5.0  # half-life, in seconds, of what samples a second forgets


@dataclass(frozen=True)
class Best:
    name: str
    value: float
    epoch: int


class State:
    """All values are of the last thing told. epoch counts from 0; step: finished."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.eta = Eta(clock)
        self.phase: Phase = "preparing"
        self.started: FitStarted | None = None
        self.began = clock()
        self.step = self.epoch = 0
        self.latest: dict[str, float] = {}  # means over the last block
        self.losses: dict[str, Trace] = {}
        self.evaluated: dict[str, float] = {}
        self.evaluations: dict[str, Trace] = {}
        self.tested: Evaluated | None = None
        self.compared: Compared | None = None  # of the last part told, which is the test part where there is one
        self.ailments: list[Diagnosed] = []
        self.progress = (0, 0)  # of the running evaluation
        self.monitor = ""
        self.best: Best | None = None
        self.warnings: dict[str, int] = {}  # text → how often
        self.ended: FitDone | None = None
        self.told = 0  # events so far
        self._last = clock()
        self._samples = self._seconds = self._waited = 0.0  # forgetting

    def on(self, event: Event) -> None:
        now = self.clock()
        self.told += 1
        match event:
            case FitStarted():
                self._start(event, now)
            case StepsDone():
                self._steps(event, now)
            case EvaluationProgress():
                self.phase = "testing" if event.part == "test" else "evaluating"
                self.progress = (event.done, event.total)
                self.eta.evaluating(event.done, event.total)
            case Evaluated():
                self._judged(event)
            case Compared():
                self.compared = event
            case Diagnosed():
                self.ailments.append(event)
            case CheckpointSaved():
                self.eta.saved(event.seconds)
            case EpochDone():
                self.latest |= {name: value for name, value in event.values.items() if name.startswith(LOSS)}
            case Said() if event.level == "warning":
                self.warnings[event.text] = self.warnings.get(event.text, 0) + 1
            case FitDone():
                self.ended, self.phase = event, "done"
                self.step = event.step
        if not isinstance(event, EvaluationProgress):
            self._last = now

    @property
    def epochs(self) -> int:
        return self.started.epochs if self.started else 0

    @property
    def total_steps(self) -> int:
        return self.started.total_steps if self.started else 0

    @property
    def epoch_steps(self) -> tuple[int, int]:
        """(done, of) the epoch's steps; the last epoch may be cut short by the total."""
        if self.started is None:
            return 0, 0
        begin = self.epoch * self.started.steps_per_epoch
        of = max(0, min(self.started.steps_per_epoch, self.total_steps - begin))
        return min(max(0, self.step - begin), of), of

    @property
    def speed(self) -> float | None:
        """Samples a second, of the last seconds of training."""
        return self._samples / self._seconds if self._seconds > 0 else None

    @property
    def waiting(self) -> float | None:
        """The share of training time spent waiting for data."""
        return min(1.0, self._waited / self._seconds) if self._seconds > 0 else None

    def _start(self, event: FitStarted, now: float) -> None:
        self.started, self.began, self.phase = event, now, "training"
        self.step, self.epoch, self.monitor = event.step, event.epoch, event.monitor
        self.eta.start(event.step, event.total_steps, event.steps_per_epoch, event.evaluate_every)

    def _steps(self, event: StepsDone, now: float) -> None:
        # What was told since the last block (an evaluation, a checkpoint) is over: it can't be part of this one.
        seconds = min(event.seconds, now - self._last) if now > self._last else event.seconds
        self.phase, self.step, self.epoch = "training", event.step, event.epoch
        self.eta.steps(event.step, len(event.steps), seconds)
        for name, values in event.values.items():
            if name.startswith(LOSS):
                self.losses.setdefault(name, Trace()).add(values)
            self.latest[name] = values[-1] if name == "lr" else sum(values) / len(values)
        keep = 0.5 ** (seconds / RECENT)
        self._samples = self._samples * keep + event.samples
        self._seconds = self._seconds * keep + seconds
        self._waited = self._waited * keep + event.waited

    def _judged(self, event: Evaluated) -> None:
        if event.part == "test":
            self.tested, self.phase = event, "done" if self.ended else "training"
            return
        self.eta.evaluated(event.seconds)
        self.phase = "done" if self.ended else "training"
        self.evaluated = dict(event.values)
        for name, value in event.values.items():
            self.evaluations.setdefault(name, Trace()).add([value])
        if self.monitor not in event.values and event.values:
            self.monitor = next((name for name in event.values if "loss" not in name), next(iter(event.values)))
        if event.best and self.monitor:
            self.best = Best(self.monitor, event.values[self.monitor], event.epoch)
