"""Automatic choices, each made once and frozen into the resolved recipe (rule 1)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.recipe import patch
from danlu.recipe.schema import Recipe
from danlu.training import allocator
from danlu.training.plan import Plan


@dataclass
class Choices:
    """What was chosen: dotted key → (value, reason in words)."""

    made: dict[str, tuple[Any, str]] = field(default_factory=dict)

    def make(self, key: str, value: Any, reason: str) -> Any:
        self.made[key] = (value, reason)
        return value

    def freeze(self, recipe: Recipe) -> Recipe:
        """The recipe with every choice written into it."""
        return patch(recipe, {key: value for key, (value, _) in self.made.items()}) if self.made else recipe

    def lines(self) -> list[str]:
        return [say("runs.chosen", key=key, value=value, reason=reason) for key, (value, reason) in self.made.items()]


def device_and_threads(recipe: Recipe, choices: Choices) -> torch.device:
    """The training device; threads are set for the process. Raises RecipeError for a device that is not there."""
    train = recipe.train
    name = train.device
    if name == "auto":
        name = choices.make("train.device", "cuda" if torch.cuda.is_available() else "cpu", say("runs.chosen.device"))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecipeError.of(recipe.where("train.device"), str(error).splitlines()[0]) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RecipeError.of(recipe.where("train.device"), say("runs.no-cuda"), say("runs.no-cuda.remedy"))
    if train.precision == "fp16" and device.type == "cpu":
        raise RecipeError.of(recipe.where("train.precision"), say("runs.fp16-cpu"), say("runs.fp16-cpu.remedy"))
    threads = train.threads
    if isinstance(threads, str):
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        asked = os.environ.get("OMP_NUM_THREADS", "")
        threads = min(threads, int(asked)) if asked.isdigit() and int(asked) else threads
        if train.threads == "auto" or threads == 1 or device.type != "cpu":
            choices.make("train.threads", threads, say("runs.chosen.cores"))
    torch.set_num_threads(int(threads))
    if train.allocator == "keep" and not allocator.keep():
        raise RecipeError.of(recipe.where("train.allocator"), say("runs.no-glibc"), say("runs.no-glibc.remedy"))
    return device


def channels_last(recipe: Recipe, net: nn.Module, choices: Choices) -> bool:
    wanted = recipe.train.channels_last
    if wanted == "auto":
        has = any(isinstance(module, nn.Conv2d) for module in net.modules())
        reason = say("runs.chosen.convolutions" if has else "runs.chosen.no-convolutions")
        wanted = bool(choices.make("train.channels_last", has, reason))
    return wanted


def captures_every(recipe: Recipe, plan: Plan, micros: int, choices: Choices) -> int:
    """Steps between two looks inside the net. micros: micro-batches in an epoch."""
    wanted = recipe.watch.captures_every
    if wanted != "auto":
        return wanted
    steps = plan.epochs * -(-micros // plan.accumulate)
    every = max(_SELDOM, min(steps, plan.max_steps or steps) // _LOOKS)
    return int(choices.make("watch.captures_every", every, say("runs.chosen.captures", count=_LOOKS, least=_SELDOM)))


_LOOKS, _SELDOM = 100, 20  # looks in a run, about; steps between two at least


def timed(log: list[tuple[str, float, str]]) -> Callable[[str, Callable[[], Any], Callable[[Any], str]], Any]:
    """A runner that notes (name, seconds, text) of each step of the checks."""

    def run(name: str, work: Callable[[], Any], text: Callable[[Any], str] = lambda _: "") -> Any:
        began = time.perf_counter()
        result = work()
        log.append((name, time.perf_counter() - began, text(result)))
        return result

    return run
