"""Automatic choices, each made once and frozen into the resolved recipe (rule 1)."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.randomness import Position
from danlu.recipe import patch
from danlu.recipe.schema import Recipe
from danlu.training import allocator, compilation
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.precision import Name, Precision, supported
from danlu.training.randomness import reseed


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


_LOOKS, _SELDOM = 100, 10  # looks in a run, about; steps between two at least


def precision(net: nn.Module, objective: Objective, batch: Batch, device: torch.device, choices: Choices) -> Name:
    """The fastest native precision that agrees with fp32 on a real batch and is really faster."""
    name = supported(device)[0]
    if name == "fp32":
        return choices.make("train.precision", "fp32", say("runs.chosen.no-half"))  # type: ignore[no-any-return]
    try:
        exact, exact_seconds = tried(net, objective, batch, "fp32", device)
        half, half_seconds = tried(net, objective, batch, name, device)
    except Exception as error:  # noqa: BLE001 - where fp32 fails too, the checks tell what is wrong, and where
        reason = say(
            "runs.chosen.half-failed", name=name, reason=f"{type(error).__name__}: {error}".splitlines()[0][:200]
        )
        return choices.make("train.precision", "fp32", reason)  # type: ignore[no-any-return]
    difference = apart(exact, half)
    times = exact_seconds / half_seconds
    if not difference < 0.05:
        return choices.make("train.precision", "fp32", say("runs.chosen.parity-failed", difference=difference))  # type: ignore[no-any-return]
    if times < 1.05 and device.type == "cpu":
        return choices.make("train.precision", "fp32", say("runs.chosen.slower", times=times))  # type: ignore[no-any-return]
    return choices.make("train.precision", name, say("runs.chosen.parity", difference=difference, times=times))  # type: ignore[no-any-return]


def tried(
    net: nn.Module, objective: Objective, batch: Batch, name: Name, device: torch.device, compiled: bool = False
) -> tuple[tuple[float, torch.Tensor], float]:
    """(loss, gradients as one vector) of one step on a copy, and the seconds of the faster of two."""
    trial = copy.deepcopy(net).train()
    forward = compilation.forward(trial) if compiled else trial
    autocast = Precision(name, device).autocast
    counts = objective.counts(batch)
    best = math.inf
    for _ in range(2):
        trial.zero_grad(set_to_none=True)
        reseed(Position(0))
        began = time.perf_counter()
        with autocast():
            outputs = forward(*batch.arguments())
        loss, _ = objective(outputs, batch, counts)
        loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    gradients = torch.cat([p.grad.to_dense().flatten().float() for p in trial.parameters() if p.grad is not None])
    return (float(loss.detach()), gradients), best


def apart(exact: tuple[float, torch.Tensor], half: tuple[float, torch.Tensor]) -> float:
    """The larger of: relative difference of the loss, one minus the cosine between the gradients."""
    loss = abs(exact[0] - half[0]) / max(abs(exact[0]), 1e-6)
    cosine = float(torch.nn.functional.cosine_similarity(exact[1], half[1], dim=0))
    return max(loss, 1.0 - cosine)


def timed(log: list[tuple[str, float, str]]) -> Callable[[str, Callable[[], Any], Callable[[Any], str]], Any]:
    """A runner that notes (name, seconds, text) of each step of the checks."""

    def run(name: str, work: Callable[[], Any], text: Callable[[Any], str] = lambda _: "") -> Any:
        began = time.perf_counter()
        result = work()
        log.append((name, time.perf_counter() - began, text(result)))
        return result

    return run
