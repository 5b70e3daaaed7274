"""What a run takes beside what was foreseen: the forecast before the first step, and the figures after the last."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from danlu.messages import say
from danlu.runs.assembling import Assembled
from danlu.runs.forecasting import foresee
from danlu.training.events import Event, Foreseen, Happened, Said, StepsDone
from danlu.training.forecast.figures import Took
from danlu.training.forecast.resident import most

_WORTH = 50  # steps: of a shorter training the forecast would be no small part


class Meter:
    """A watcher that adds up what steps take. began: when the first check did."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self._first: tuple[float, float, int] | None = None
        self._seconds, self._cpu, self._steps = 0.0, 0.0, 0
        self._told = time.process_time()

    def on(self, event: Event) -> None:
        before, self._told = (
            self._told,
            time.process_time(),
        )  # what judging and saving took ends with an event of its own
        if not isinstance(event, StepsDone):
            return
        cpu, steps = self._told - before, len(event.steps)
        if self._first is None:
            self._first = event.seconds, cpu, steps
        else:
            self._seconds, self._cpu, self._steps = self._seconds + event.seconds, self._cpu + cpu, self._steps + steps

    def close(self) -> None:
        pass

    @property
    def step(self) -> Took | None:
        """The mean of a step. The first block of steps, in which caches are filled, only counts where there is no other."""
        found = (self._seconds, self._cpu, self._steps) if self._steps else self._first
        return None if found is None else Took(found[0] / found[2], found[1] / found[2])

    def happened(self, folder: Path, device: torch.device, step: int, epoch: int) -> Happened:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        took, spent = self.step, time.perf_counter() - self.began
        seconds, cpu = (None, None) if took is None else took
        return Happened(step, epoch, most(device), seconds, spent, size, cpu)


def before(assembled: Assembled, log: list[tuple[str, float, str]], meter: Meter) -> list[Event]:
    """The forecast of a training that is about to begin; nothing of a short one. Why there is none is said: no training ends for it."""
    plan = assembled.plan
    steps = plan.epochs * -(-len(assembled.batches) // plan.accumulate)
    if min(steps, plan.max_steps or steps) < _WORTH:
        return []
    try:
        found = foresee(assembled, log, time.perf_counter() - meter.began, brief=True)
    except Exception as error:  # noqa: BLE001 - whatever somebody's net does with fewer samples must not prevent its training
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return [Said(0, 0, say("forecast.none", reason=reason))]
    return [Foreseen(0, 0, found.as_dict())]
