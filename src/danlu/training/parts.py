"""The loop's moving parts and their state: what a checkpoint holds, and how training stands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.data.batches.batch import Batch
from danlu.errors import RecipeError, RunError
from danlu.messages import say
from danlu.nn import lending
from danlu.training import closed, compilation
from danlu.training.checkpoint import State
from danlu.training.meter import Meter
from danlu.training.objective import Objective
from danlu.training.optimisers.base import load_state, state_tensors
from danlu.training.optimisers.schedule_free import ScheduleFree
from danlu.training.plan import Plan
from danlu.training.precision import Precision
from danlu.training.schedules.base import Held, Horizon, WarmUp
from danlu.training.schedules.constant import Constant
from danlu.training.schedules.reduce_on_plateau import ReduceOnPlateau
from danlu.training.slots.averaged import Averaged
from danlu.training.slots.cached import CachedGradients
from danlu.training.slots.followers import Ema, Swa
from danlu.training.slots.gradients import GradientChain
from danlu.training.slots.guard import Guard
from danlu.training.slots.parameters import ParameterPlan
from danlu.training.slots.plateau import Plateau
from danlu.training.slots.proximal import Proximal
from danlu.training.slots.sharpness import Sharpness
from danlu.training.slots.stoppers import Best, EarlyStop
from danlu.training.slots.update import Update


@dataclass
class Progress:
    """Where training stands: the next epoch, the next micro-batch in it, optimiser steps done, and why it ended."""

    epoch: int = 0
    micro: int = 0
    step: int = 0
    finished: str = ""


class Parts:
    """One of each slot, built from the plan. :meth:`state` and :meth:`load` are exact inverses."""

    def __init__(self, net: nn.Module, objective: Objective, plan: Plan, steps_per_epoch: int) -> None:
        total = plan.epochs * steps_per_epoch
        if plan.max_steps is not None:
            total = min(total, plan.max_steps)
        self.net = net
        self.forward = compilation.forward(net) if plan.compiled else lending.forward(net)
        self.horizon = Horizon(total, steps_per_epoch)
        self.precision = Precision(plan.precision, plan.device)
        self.parameters = ParameterPlan(net, plan.unfreeze, self.horizon, plan.watched)
        self.optimizer = optimiser(self.parameters, plan)
        self._names = {p: name for name, p in net.named_parameters()}
        decayed, others = self.parameters.learnt()
        learnt = [*decayed, *others]
        self.gradients = GradientChain(learnt, self.precision, plan.clip_norm, plan.l1, decayed, plan.proximal)
        caches = objective.coupled and plan.accumulate > 1
        self.cached = CachedGradients(net, objective, self.precision, self.forward) if caches else None
        self.sharpness = Sharpness(net, learnt, plan.sam) if plan.sam is not None else None
        schedule = WarmUp(plan.schedule, plan.warmup) if plan.warmup else plan.schedule
        averaging = round(plan.swa * total) if plan.swa is not None else None
        schedule = schedule if averaging is None else Held(schedule, averaging)
        self.plateau: Plateau | None = None
        if isinstance(plan.schedule, ReduceOnPlateau) and plan.plateau is not None:
            self.plateau = Plateau(plan.schedule, plan.plateau[1], plan.warmup, averaging)
        proximal = Proximal(self.optimizer, decayed, plan.l1) if plan.proximal and plan.l1 else None
        self.update = Update(self.optimizer, schedule, self.horizon, plan.lr, self.precision, proximal, self.plateau)
        self.average: Ema | Swa | Averaged | None = Ema(net, plan.ema) if plan.ema is not None else None
        if averaging is not None:
            self.average = Swa(net, averaging, self.horizon)
        if isinstance(self.optimizer, ScheduleFree):
            _alone(plan)
            self.average = Averaged(net, self.optimizer)
        self.closed = objective.closed(net, self.optimizer) if closed.possible(plan) else None
        alone = self.closed is None and self.cached is None
        self.counting = objective.counts if alone else None  # of a micro-batch, where it may be done before its step
        self.guard = Guard(net, self.optimizer, self.precision, followed=isinstance(self.average, Ema))
        self.best = Best(*plan.monitor) if plan.monitor else None
        self.stopper = EarlyStop(*plan.early_stop) if plan.early_stop else None
        weights = tuple(objective.weights.values())
        self.meter = Meter(objective.names, weights, plan.log_seconds, penalised=plan.l1 > 0)
        self.progress = Progress()
        self._extra = dict(plan.extra_state)
        self._saved_at = time.monotonic()

    @property
    def judged(self) -> nn.Module:
        """The net that is evaluated: the averaged one where there is one."""
        return self.average.net if self.average is not None else self.net

    @property
    def stale(self) -> bool:
        """Whether the net that is judged wants :meth:`refresh` first."""
        return isinstance(self.average, Swa | Averaged) and self.average.stale

    def refresh(self, batches: Iterable[Batch]) -> None:
        """Before the net is judged, or for the last time: what an average of weights can't bring along. batches: an epoch's."""
        if isinstance(self.average, Swa | Averaged):
            self.average.refresh(batches)

    def heed(self, values: Mapping[str, float]) -> None:
        """After an evaluation: what waits for standstill counts."""
        self.parameters.judged(values)
        if self.plateau is not None:
            self.plateau.judged(values, self.progress.step)

    def followers(self) -> str:
        """Which there are, in words."""
        match self.average:
            case Ema():
                return f"EMA {self.average.decay:g}"
            case Swa():
                return say("loop.swa", step=self.average.start)
            case Averaged():
                return say("loop.averaged")
        return "–"

    def checkpoint_due(self, plan: Plan) -> bool:
        """Whether a checkpoint should follow this step (not counting the ends of epochs)."""
        policy = plan.checkpoint
        by_steps = policy.every_steps is not None and self.progress.step % policy.every_steps == 0
        minutes = (time.monotonic() - self._saved_at) / 60
        return by_steps or (policy.every_minutes is not None and minutes >= policy.every_minutes)

    def state(self) -> State:
        tensors: dict[str, dict[str, Tensor]] = {
            "net": dict(self.net.state_dict()),
            "optimizer": state_tensors(self.optimizer, self._names),
        }
        if self.average is not None:
            tensors["ema"] = self.average.tensors()
        values: dict[str, Any] = {
            "progress": vars(self.progress),
            "precision": self.precision.state(),
            "meter": self.meter.state(),
            "best": self.best.state() if self.best else None,
            "stopper": self.stopper.state() if self.stopper else None,
            "plateau": self.plateau.state() if self.plateau else None,
            "guard": self.guard.state(),
            "parameters": self.parameters.state(),
            "closed": self.closed.state() if self.closed is not None else None,
            "averaged": float(self.average.count) if isinstance(self.average, Swa) else 0.0,
            "extra": self._extra,
        }
        self._saved_at = time.monotonic()
        return State(tensors, values)

    def load(self, state: State) -> None:
        """Continue from a checkpoint. Raises RunError where it belongs to another net, or lacks the average that is asked for."""
        mine, theirs = self.net.state_dict(), state.tensors["net"]
        different = sorted(name for name in mine.keys() | theirs.keys() if _shape(mine, name) != _shape(theirs, name))
        if different:
            raise RunError.of(
                "checkpoint", say("training.checkpoint-other-net", name=different[0], count=len(different))
            )
        self.net.load_state_dict(dict(theirs))
        load_state(self.optimizer, self._names, dict(state.tensors.get("optimizer", {})))
        if self.average is not None:
            if "ema" not in state.tensors:
                raise RunError.of("checkpoint", say("training.checkpoint-no-average"))
            self.average.load(dict(state.tensors["ema"]))
            if isinstance(self.average, Swa):
                self.average.count.fill_(state.values.get("averaged", 0.0))
        values = state.values
        self.progress = Progress(**values["progress"])
        self.precision.load(values["precision"])
        self.meter.load(values["meter"])
        if "guard" in values:
            self.guard.load(values["guard"])
        if "parameters" in values:
            self.parameters.load(values["parameters"])
        if self.closed is not None:
            self.closed.load(values.get("closed"))
        if self.plateau and values.get("plateau"):
            self.plateau.load(values["plateau"])
        if self.best and values["best"]:
            self.best.load(values["best"])
        if self.stopper and values["stopper"]:
            self.stopper.load(values["stopper"])


def optimiser(parameters: ParameterPlan, plan: Plan) -> Optimizer:
    """The plan's optimiser over everything that ever learns."""
    groups = parameters.groups(plan.decay)
    if not groups:
        raise RunError.of("model.unfreeze", say("training.nothing-to-train"))
    return plan.optimizer(groups, lr=plan.lr, weight_decay=plan.decay)


def _alone(plan: Plan) -> None:
    """Raises RecipeError where a schedule-free optimiser is asked to go with what does its work again, or undoes it."""
    if not isinstance(plan.schedule, Constant):
        values = {"schedule": type(plan.schedule).__name__}
        what = say("recipe.clash.schedule-free", **values)
        raise RecipeError.of("schedule", what, say("recipe.clash.schedule-free.remedy"))
    for key, asked in (("ema", plan.ema), ("swa", plan.swa)):
        if asked is not None:
            what = say("recipe.clash.schedule-free-average", key=key)
            raise RecipeError.of(key, what, say("recipe.clash.schedule-free-average.remedy", key=key))
    if plan.proximal:
        what = say("recipe.clash.schedule-free-proximal")
        raise RecipeError.of("proximal", what, say("recipe.clash.schedule-free-proximal.remedy"))


def _shape(tensors: Any, name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None
