"""What keeps the best and what stops early; both judge the same monitored value after an evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from danlu.errors import Problem, TrainingError
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean


def no_metric(where: str, name: str, known: Iterable[str]) -> Problem:
    """What is asked for is none of what evaluation finds."""
    names = list(known)
    return Problem(where, say("training.no-metric", name=name, known=", ".join(names)), did_you_mean(name, names))


@dataclass
class Best:
    """The best value so far of ``monitor`` (sign +1: larger is better). NaN is never the best."""

    monitor: str
    sign: int
    value: float | None = None
    epoch: int = -1
    step: int = -1
    values: dict[str, float] = field(default_factory=dict)  # everything that evaluation found

    def better(self, values: Mapping[str, float], epoch: int, step: int) -> bool:
        """Judge an evaluation; True where it is the new best. Raises TrainingError where the metric isn't there."""
        if self.monitor not in values:
            raise TrainingError([no_metric("train.best", self.monitor, values)])
        value = values[self.monitor]
        if math.isnan(value) or (self.value is not None and self.sign * value <= self.sign * self.value):
            return False
        self.value, self.epoch, self.step, self.values = value, epoch, step, dict(values)
        return True

    def forget(self) -> None:
        """Its weights are lost: the next evaluation is the best until a better one comes."""
        self.value, self.epoch, self.step, self.values = None, -1, -1, {}

    def state(self) -> dict[str, Any]:
        return asdict(self)

    def load(self, state: Mapping[str, Any]) -> None:
        self.value, self.epoch, self.step = state["value"], state["epoch"], state["step"]
        self.values = dict(state["values"])


@dataclass
class EarlyStop:
    """Stop after ``patience`` evaluations in a row that did not improve by more than ``min_delta`` (Prechelt 1998)."""

    monitor: str
    sign: int
    patience: int
    min_delta: float = 0.0
    value: float | None = None
    waited: int = 0

    def stops(self, values: Mapping[str, float]) -> bool:
        """Whether this evaluation is the one too many."""
        if self.monitor not in values:
            where = "train.early_stop.monitor"
            raise TrainingError([no_metric(where, self.monitor, values)])
        value = values[self.monitor]
        improved = not math.isnan(value) and (self.value is None or self.sign * (value - self.value) > self.min_delta)
        if improved:
            self.value, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        return {"value": self.value, "waited": self.waited}

    def load(self, state: Mapping[str, Any]) -> None:
        self.value, self.waited = state["value"], state["waited"]
