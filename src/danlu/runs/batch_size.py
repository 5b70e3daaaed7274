"""``train.batch_size: auto``: a power of two, found by a few steps of each on copies of the net, before anything else is chosen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.data.batches.batches import Batches
from danlu.data.room import memory
from danlu.messages import say
from danlu.training.forecast.passes import line
from danlu.training.forecast.trial import Repeated, try_out
from danlu.training.objective import Objective
from danlu.training.plan import Plan

LEAST, MOST = 16, 1024
STEPS = 20  # an epoch has at least so many, where the rows suffice for batches of LEAST
_ENOUGH = 0.9  # of the best rate: a smaller batch that reaches it is preferred, for it takes more steps
_SLOW = 5.0  # seconds of a step, after which nothing larger is tried


@dataclass(frozen=True)
class Tried:
    """size: samples. rate: samples per second, data left out. held: bytes at the fullest moment."""

    size: int
    rate: float
    held: int


def sizes(rows: int, accumulate: int) -> list[int]:
    """Powers of two that leave an epoch of ``rows`` enough steps; at least the smallest."""
    most = rows // (STEPS * accumulate)
    return [size for size in (2**power for power in range(4, 11)) if size == LEAST or size <= most]


def chosen(tried: list[Tried]) -> Tried:
    """The smallest that is nearly as fast as the fastest."""
    best = max(one.rate for one in tried)
    return next(one for one in tried if one.rate >= _ENOUGH * best)


def choose(net: nn.Module, objective: Objective, plan: Plan, batches_of: Callable[[int], Batches]) -> tuple[int, str]:
    """(size, why). The learning rate stays as asked: which one suits a size is for ``lr: auto`` or the user to say.

    batches_of: the training rows in batches of a size. plan: its number of micro-batches doesn't matter.
    """
    rows = batches_of(LEAST).samples
    wanted = sizes(rows, plan.accumulate)
    tried = try_sizes(net, objective, plan, lambda size: next(batches_of(size).epoch(0)), wanted)
    if len(tried) < 2:
        return tried[0].size, say("runs.chosen.batch-size.rows", rows=f"{rows:,}", least=STEPS)
    one = chosen(tried)
    tries = ", ".join(f"{each.size}: {each.rate:,.0f}" for each in tried)
    return one.size, say("runs.chosen.batch-size", rate=f"{one.rate:,.0f}", tries=tries)


def try_sizes(
    net: nn.Module,
    objective: Objective,
    plan: Plan,
    batch_of: Callable[[int], Batch],
    wanted: list[int],
    room: float | None = None,
) -> list[Tried]:
    """Steps of batches of each size, as long as they fit. batch_of: a real batch of so many samples, not yet transformed.

    room: bytes that may be held; None: half of what this process may have, or most of the device. Nothing of ``net`` is changed.
    """
    room = _room(plan.device) if room is None else room
    tried: list[Tried] = []
    for size in wanted:
        last = [(one.size, float(one.held)) for one in tried[-2:]]
        if len(last) == 2 and line(last, size) > room:
            break
        step = None
        with suppress(torch.OutOfMemoryError):  # the largest that fits has been found
            step = try_out(net, objective, Repeated(batch_of(size)), replace(plan, accumulate=1, warmup=0))
        if step is None:
            torch.cuda.empty_cache()  # not before: until then the error holds what was computed
            break
        tried.append(Tried(size, step.samples / step.took.seconds, step.memory.whole))
        if step.memory.whole > room or step.took.seconds > _SLOW:
            break
    fitting = [one for one in tried if one.held <= room]
    return fitting or tried[:1]


def _room(device: torch.device) -> float:
    if device.type == "cuda":
        return 0.8 * float(torch.cuda.get_device_properties(device).total_memory)
    return memory() / 2
