"""The plateau: what evaluations that no longer improve have done to the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danlu.errors import TrainingError
from danlu.training.schedules.reduce_on_plateau import ReduceOnPlateau
from danlu.training.slots.stoppers import no_metric


class Plateau:
    """What evaluations have done to the rate: ``factor``, of what the schedule gives. sign: +1 where larger is better.

    Those after fewer than ``first`` steps, or more than ``last``, change nothing.
    """

    def __init__(self, schedule: ReduceOnPlateau, sign: int, first: int, last: int | None) -> None:
        self.schedule = schedule
        self.sign = sign
        self.first = first
        self.last = last
        self.factor = 1.0
        self.best: float | None = None
        self.waited = 0

    def judged(self, values: Mapping[str, float], step: int) -> None:
        """After an evaluation when ``step`` steps are done. Raises TrainingError where the monitored metric isn't there."""
        asked = self.schedule
        if asked.monitor not in values:
            raise TrainingError([no_metric("train.schedule.monitor", asked.monitor, values)])
        if step < self.first or (self.last is not None and step > self.last):
            return
        value = self.sign * values[asked.monitor]
        if value > float("-inf") if self.best is None else value > self.best + asked.min_delta:
            self.best, self.waited = value, 0
        else:  # NaN as well
            self.waited += 1
        if self.waited > asked.patience:
            self.factor, self.waited = max(self.factor * asked.factor, asked.floor), 0

    def state(self) -> dict[str, Any]:
        return {"factor": self.factor, "best": self.best, "waited": self.waited}

    def load(self, state: Mapping[str, Any]) -> None:
        self.factor, self.best, self.waited = state["factor"], state["best"], state["waited"]
