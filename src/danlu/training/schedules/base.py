"""What a schedule is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Horizon:
    """How long training is planned to last: optimiser steps in all and in an epoch."""

    steps: int
    steps_per_epoch: int


class Rates(NamedTuple):
    """factor: of the peak learning rate. momentum: where the schedule cycles it, else None."""

    factor: float
    momentum: float | None = None


class Schedule(Protocol):
    """A pure function of the step (from 0) and the horizon."""

    def at(self, step: int, horizon: Horizon) -> Rates: ...


@dataclass(frozen=True)
class Held:
    """``schedule`` until ``step``; from then on the rates of that step."""

    schedule: Schedule
    step: int

    def at(self, step: int, horizon: Horizon) -> Rates:
        return self.schedule.at(min(step, self.step), horizon)


@dataclass(frozen=True)
class WarmUp:
    """Linear warm-up over the first ``steps`` steps, from 1/(steps + 1) of the rate, then ``schedule`` over those that remain."""

    schedule: Schedule
    steps: int

    def at(self, step: int, horizon: Horizon) -> Rates:
        if step >= self.steps:
            rest = Horizon(max(horizon.steps - self.steps, 1), horizon.steps_per_epoch)
            return self.schedule.at(step - self.steps, rest)
        start = self.schedule.at(0, horizon)
        return Rates(start.factor * (step + 1) / (self.steps + 1), start.momentum)
