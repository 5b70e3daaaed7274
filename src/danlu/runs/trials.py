"""Threads, allocator, compilation: what is faster on this machine, tried on copies of the net and frozen into the recipe (rule 1)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from danlu.data.batches.batch import Batch, Padded
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.choices import Choices
from danlu.runs.parity import apart, tried
from danlu.training import allocator
from danlu.training.forecast.trial import Rehearsed, Repeated, rehearse
from danlu.training.objective import Objective
from danlu.training.plan import Plan

_CLEARLY = 1.15  # times as fast fewer threads must be: their number changes bits, and clocks differ from run to run
_LONG = 0.5  # seconds of a step that is long enough for all cores
_MANY = (
    1000  # pages that a step gets, from which on they are kept: their number hardly differs from run to run, clocks do
)
_SHORT = 300.0  # seconds of training that are too few for compiling to pay
_EXACT = {"fp32": 1e-3, "bf16": 0.05, "fp16": 0.05}  # largest difference of a compiled step


@dataclass(frozen=True)
class Trials:
    """What the trials work with. batch: a micro-batch as the net gets it. steps: of the whole training."""

    net: nn.Module
    objective: Objective
    batch: Batch
    plan: Plan
    steps: int
    recipe: Recipe
    choices: Choices

    def threads(self) -> None:
        """CPU threads, set for the process: one for each core, or fewer where a step is clearly faster with them."""
        cores = torch.get_num_threads()
        if self.recipe.train.threads != "fastest" or self.plan.device.type != "cpu" or cores == 1:
            return
        seconds: dict[int, float] = {}
        for count in _counts(cores):
            torch.set_num_threads(count)
            step = self._tried(self.plan)
            if step is None:
                torch.set_num_threads(cores)
                return
            seconds[count] = step.seconds
            if seconds[cores] > _LONG:
                break
        best = min(seconds, key=lambda count: seconds[count])
        chosen = best if seconds[cores] > _CLEARLY * seconds[best] else cores
        torch.set_num_threads(chosen)
        tries = ", ".join(f"{count}: {1000 * took:.3g} ms" for count, took in seconds.items())
        self.choices.make("train.threads", chosen, say("runs.chosen.threads", tries=tries))

    def allocator(self) -> None:
        """Whether freed memory is kept, set for the process."""
        if self.recipe.train.allocator != "auto":
            return
        if self.plan.device.type != "cpu" or not allocator.can_keep():
            self.choices.make("train.allocator", "system", say("runs.chosen.allocator.none"))
            return
        step = self._tried(self.plan)
        if step is None:
            return
        many = step.pages >= _MANY  # not the number itself is told: the same training says the same
        reason = say("runs.chosen.allocator.many" if many else "runs.chosen.allocator.few", pages=f"{_MANY:,}")
        if self.choices.make("train.allocator", "keep" if many else "system", reason) == "keep":
            allocator.keep()

    def compilation(self) -> bool:
        """Whether training's passes are compiled. Raises RecipeError where that was asked for and can't be."""
        wanted = self.recipe.train.compile
        if wanted is False:
            return False
        if wanted is True and self._tried(self.plan) is not None:
            reason = self._ragged() or self._timed()[1]
            if reason:
                raise RecipeError.of(self.recipe.where("train.compile"), reason, say("runs.compile.remedy"))
        if wanted is True:
            return True
        pays, reason = self._pays()
        return bool(self.choices.make("train.compile", pays, reason))

    def _pays(self) -> tuple[bool, str]:
        """Whether it is exact and gives more than it costs, and why."""
        if ragged := self._ragged():
            return False, ragged
        step = self._tried(self.plan)
        if step is None:
            return False, say("runs.chosen.allocator.none")
        eager = step.seconds
        if eager * self.steps < _SHORT:
            return False, say("runs.chosen.compile.short", seconds=f"{eager * self.steps:,.0f}")
        began = time.perf_counter()
        compiled, failure = self._timed()
        spent = time.perf_counter() - began
        if failure:
            return False, failure
        times, name = f"{eager / compiled:.2f}", self.plan.precision
        given = self.net, self.objective, self.batch, (name,), self.plan.device
        difference = apart(tried(*given)[0][0], tried(*given, compiled=True)[0][0])
        if not difference < _EXACT[name]:
            return False, say(
                "runs.chosen.compile.differs", difference=f"{difference:.1e}", allowed=f"{_EXACT[name]:g}"
            )
        pays = (eager - compiled) * self.steps > spent
        return pays, say(
            "runs.chosen.compile", times=times, spent=f"{spent:,.0f}", seconds=f"{eager * self.steps:,.0f}"
        )

    def _ragged(self) -> str:
        names = [name for name in self.batch.inputs if isinstance(self.batch[name], Padded)]
        return say("runs.compile.ragged", column=names[0]) if names else ""

    def _timed(self) -> tuple[float, str]:
        """Seconds of a compiled step; or 0 and what went wrong."""
        try:
            return self._rehearse(replace(self.plan, compiled=True)).seconds, ""
        except Exception as error:  # noqa: BLE001 - compilers fail in many ways, and all of them are told
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            return 0.0, say("runs.compile.failed", reason=f"{type(error).__name__}: {first[:200]}")

    def _tried(self, plan: Plan) -> Rehearsed | None:
        """None where a step can't be done as it is: then the checks, which do it too, tell what is wrong, and where."""
        try:
            return self._rehearse(plan)
        except Exception:  # noqa: BLE001 - told by the checks
            return None

    def _rehearse(self, plan: Plan) -> Rehearsed:
        one = replace(plan, accumulate=1, warmup=0, transforms=(), captures_every=0)
        return rehearse(self.net, self.objective, Repeated(self.batch), one)


def _counts(cores: int) -> list[int]:
    """All cores, a quarter of them, and so on, and one."""
    counts = [cores]
    while counts[-1] > 4:
        counts.append(counts[-1] // 4)
    return counts if counts[-1] == 1 else [*counts, 1]
