"""Which precision trains: the fastest that agrees with fp32 on the user's own first batch, found by steps in turns."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.messages import say
from danlu.nn import lending
from danlu.randomness import Position
from danlu.runs.choices import Choices
from danlu.training import compilation
from danlu.training.objective import Objective
from danlu.training.precision import Name, Precision, supported
from danlu.training.randomness import reseed

_APART, _FASTER = 0.05, 1.05  # the most that half precision may differ; what it must be worth on a CPU
_TURNS, _SECONDS = 8, 1.5  # steps of each precision: two at least, and more while all of them took less

Outcome = tuple[float, Tensor]  # the loss, and all gradients as one float32 vector


def precision(net: nn.Module, objective: Objective, batch: Batch, device: torch.device, choices: Choices) -> Name:
    """The fastest native precision that agrees with fp32 on a real batch and is really faster."""
    name = supported(device)[0]
    if name == "fp32":
        return _chosen(choices, "fp32", say("runs.chosen.no-half"))
    try:
        (exact, exact_seconds), (half, half_seconds) = tried(net, objective, batch, ("fp32", name), device)
    except Exception as error:  # noqa: BLE001 - where fp32 fails too, the checks tell what is wrong, and where
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _chosen(choices, "fp32", say("runs.chosen.half-failed", name=name, reason=told))
    difference, times = apart(exact, half), exact_seconds / half_seconds
    if not difference < _APART:
        return _chosen(choices, "fp32", say("runs.chosen.parity-failed", difference=difference))
    if times < _FASTER and device.type == "cpu":
        return _chosen(choices, "fp32", say("runs.chosen.slower", times=times))
    return _chosen(choices, name, say("runs.chosen.parity", difference=difference, times=times))


def _chosen(choices: Choices, name: Name, reason: str) -> Name:
    choices.make("train.precision", name, reason)
    return name


def tried(
    net: nn.Module,
    objective: Objective,
    batch: Batch,
    names: Sequence[Name],
    device: torch.device,
    compiled: bool = False,
) -> list[tuple[Outcome, float]]:
    """For each precision what a step on a copy gives, and the seconds of its fastest.

    They take turns, so that other work on the machine meets all alike, and on a CPU the time of this process is counted.
    """
    trial = copy.deepcopy(net).train()
    forward = compilation.forward(trial) if compiled else lending.forward(trial)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    counts = objective.counts(batch)
    found: dict[Name, Outcome] = {}
    seconds = dict.fromkeys(names, math.inf)
    began = time.perf_counter()
    for turn in range(_TURNS):
        if turn >= 2 and time.perf_counter() - began > _SECONDS:
            break
        for name in names:
            trial.zero_grad(set_to_none=True)
            reseed(Position(0))
            start = clock()
            with Precision(name, device).autocast():
                outputs = forward(*batch.arguments())
            loss, _ = objective(outputs, batch, counts)
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds[name] = min(seconds[name], clock() - start)
            if turn == 1:  # buffers have moved alike in the first
                slopes = [p.grad.to_dense().flatten().float() for p in trial.parameters() if p.grad is not None]
                found[name] = float(loss.detach()), torch.cat(slopes)
    return [(found[name], seconds[name]) for name in names]


def apart(exact: Outcome, half: Outcome) -> float:
    """The larger of: relative difference of the loss, one minus the cosine between the gradients."""
    loss = abs(exact[0] - half[0]) / max(abs(exact[0]), 1e-6)
    cosine = float(torch.nn.functional.cosine_similarity(exact[1], half[1], dim=0))
    return max(loss, 1.0 - cosine)
