"""Lesson: the learning rate. The range test, then short trainings from the same first weights, on the same batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.learn.asked import Asked
from danlu.learn.limits import Limit, least_seconds, too_slow
from danlu.learn.stage import Fixed, Stage
from danlu.learn.threads import on_threads
from danlu.training.finder import Found, find_rate
from danlu.training.optimisers.base import set_rates
from danlu.training.parts import optimiser
from danlu.training.precision import Precision
from danlu.training.schedules.base import Horizon, Schedule
from danlu.training.schedules.constant import Constant
from danlu.training.schedules.cosine import Cosine
from danlu.training.schedules.one_cycle import OneCycle
from danlu.training.schedules.step import Step
from danlu.training.seeing import undisturbed
from danlu.training.slots.gradients import GradientChain
from danlu.training.slots.parameters import ParameterPlan

SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "step": Step(),
    "cosine": Cosine(),
    "one-cycle": OneCycle(cycle_momentum=False),
}
STEPS, FEWEST = 120, 24
FINDER = 80  # steps of the range test
HIGHEST = 30.0  # rate of the range test
BUDGET = 5.0  # seconds that the range test, or one of two trainings, may take; together less than the limit
EXPLODED = 8.0  # times the first loss: training has failed, and nothing more is to be seen
KEPT = 64  # trainings that are remembered
LAST = 10  # losses whose mean is the end


class RateAsked(Asked):
    """factor: the peak rate over the suggested one."""

    factor: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0
    schedule: Literal["constant", "step", "cosine", "one-cycle"] = "constant"


@dataclass(frozen=True)
class Walk:
    """One short training. losses: before each step, until done or exploded. rates: of each step."""

    losses: tuple[float, ...]
    rates: tuple[float, ...]
    exploded: bool

    @property
    def end(self) -> float | None:
        """Mean of the last ten losses; None where it exploded."""
        last = self.losses[-LAST:]
        return None if self.exploded else math.fsum(last) / len(last)

    def as_dict(self) -> dict[str, Any]:
        finite = [loss if math.isfinite(loss) else None for loss in self.losses]
        return {"losses": finite, "rates": list(self.rates), "exploded": self.exploded, "end": self.end}


class Bench:
    """A stage with what was already computed on it: the range test and the trainings."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._found: Found | None = None
        self._steps = 0
        self._walks: dict[tuple[float, str], Walk] = {}

    def rate(self, asked: RateAsked, limit: Limit | None = None) -> dict[str, Any]:
        """finder: {"rates", "losses", "suggestion"}. steps: of a training. asked, base: :class:`Walk` with the asked rate and with the
        suggested one, under the same schedule. schedule: its factor at each step. valley: see :func:`valley`. samples: of a batch.
        published: the run began from published weights, which these trainings don't.
        Raises DanluError where the net is too slow for this or the limit is over (what is done by then is kept), TrainingError where no
        rate lowers the loss, RunError where nothing of the net is trained.
        """
        with undisturbed(), on_threads(self.stage.threads):
            return self._rate(asked, limit or Limit())

    def _rate(self, asked: RateAsked, limit: Limit) -> dict[str, Any]:
        found = self._finder(limit)
        return {
            "finder": {"rates": found.rates, "losses": found.losses, "suggestion": found.suggestion},
            "steps": self._steps,
            "asked": self._walk(asked.factor, asked.schedule, limit).as_dict(),
            "base": self._walk(1.0, asked.schedule, limit).as_dict(),
            "schedule": factors(asked.schedule, self._steps, len(self.stage.batches)),
            "valley": valley(asked.factor),
            "samples": len(self.stage.batches[0]),
            "published": self.stage.published,
        }

    def _finder(self, limit: Limit) -> Found:
        if self._found is None:
            step = least_seconds(lambda: walk(self.stage, 1e-6, "constant", 1, limit))
            affordable = int(min(BUDGET / step, STEPS))
            if affordable < FEWEST:
                raise too_slow()
            batches = _Limited(self.stage.batches, limit)
            plan = replace(self.stage.plan, accumulate=1)
            net = self.stage.fresh()
            self._found = find_rate(
                net, self.stage.objective, batches, plan, steps=min(FINDER, affordable), high=HIGHEST
            )
            self._steps = affordable
        return self._found

    def _walk(self, factor: float, schedule: str, limit: Limit) -> Walk:
        key = (factor, schedule)
        if key not in self._walks:
            if len(self._walks) >= KEPT:
                del self._walks[next(iter(self._walks))]
            self._walks[key] = walk(self.stage, factor * self._finder(limit).suggestion, schedule, self._steps, limit)
        return self._walks[key]


class _Limited(Fixed):
    """Batches until the limit is over."""

    def __init__(self, batches: tuple[Batch, ...], limit: Limit) -> None:
        super().__init__(batches)
        self._limit = limit

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        for batch in super().epoch(epoch, start):
            self._limit.check()
            yield batch


def factors(schedule: str, steps: int, per_epoch: int) -> list[float]:
    """What the peak rate is multiplied by at each step."""
    return [SCHEDULES[schedule].at(step, Horizon(steps, per_epoch)).factor for step in range(steps)]


def walk(stage: Stage, peak: float, schedule: str, steps: int, limit: Limit) -> Walk:
    """Train the net from its first weights for a few steps over the stage's batches, with the plan's optimiser and clipping."""
    net = stage.fresh().train()
    unfreezing = ParameterPlan(net, stage.plan.unfreeze, Horizon(steps, len(stage.batches)), stage.plan.watched)
    optimizer = optimiser(unfreezing, stage.plan)
    decayed, others = unfreezing.learnt()
    chain = GradientChain([*decayed, *others], Precision("fp32", stage.plan.device), stage.plan.clip_norm, 0.0, decayed)
    losses: list[float] = []
    rates: list[float] = []
    for step, batch in enumerate(islice(cycle(stage.batches), steps)):
        limit.check()
        unfreezing.begin(step)
        rate = peak * SCHEDULES[schedule].at(step, Horizon(steps, len(stage.batches))).factor
        set_rates(optimizer, rate, None)
        loss = stage.loss(net, batch, step)
        losses.append(float(loss.detach()))
        rates.append(rate)
        if not losses[-1] <= losses[0] + (EXPLODED - 1) * abs(losses[0]):  # NaN too
            return Walk(tuple(losses), tuple(rates), True)
        torch.autograd.backward(loss)
        chain.finish(optimizer)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return Walk(tuple(losses), tuple(rates), False)


CURVATURES = (1.0, 8.0)  # of the valley, along its two directions
START = (-1.6, 0.6)
STRIDES = 30
BEST = 0.4 / CURVATURES[1]  # the rate of factor 1; from 2 / 8 on, five times as much, each stride overshoots by more


def valley(factor: float) -> dict[str, Any]:
    """Gradient descent by torch's SGD in ½(1·a² + 8·b²): path: [[a, b]] of 30 strides, or fewer where it leaves the picture;
    curvatures; critical: the factor from which on it diverges.
    """
    place = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    curvature = torch.tensor(CURVATURES, dtype=torch.float64)
    optimizer = torch.optim.SGD([place], lr=factor * BEST)
    path = [list(START)]
    for _ in range(STRIDES):
        optimizer.zero_grad()
        loss: Tensor = 0.5 * (curvature * place.square()).sum()
        torch.autograd.backward(loss)
        optimizer.step()
        path.append(place.detach().tolist())
        if place.detach().abs().max() > 20:
            break
    return {"path": path, "curvatures": list(CURVATURES), "critical": 2 / CURVATURES[1] / BEST}
