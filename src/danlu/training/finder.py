"""The learning-rate finder: a range test on a copy of the net (Smith 2017; Howard and Gugger 2020).

The rate grows exponentially from ``low`` to ``high`` over a few dozen real batches; the suggestion is where the smoothed loss has
fallen half of its way, well before it rises. (The steepest slope lies near, but of noisy losses it is as often found at the start.)
A step is the loop's: effective batches, clipping and the L1 penalty are in it, since the rate that suits
depends on them. The net, its buffers and the generators are left as they were.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.objective import Objective
from danlu.training.optimisers.base import set_rates
from danlu.training.parts import optimiser
from danlu.training.plan import Feed, Plan
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.schedules.base import Horizon
from danlu.training.slots.gradients import GradientChain
from danlu.training.slots.parameters import ParameterPlan


@dataclass(frozen=True)
class Found:
    """rates and smoothed losses of the test, and the suggested peak rate."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float


def find_rate(
    net: nn.Module,
    objective: Objective,
    batches: Feed,
    plan: Plan,
    *,
    low: float = 1e-6,
    high: float = 3.0,
    steps: int = 80,
) -> Found:
    """Run the test. low, high: rates at its ends. Raises TrainingError where no rate lowers the loss."""
    trial = copy.deepcopy(net).train()
    unfreezing = ParameterPlan(trial, plan.unfreeze, Horizon(steps, steps), plan.watched)
    unfreezing.begin(0)
    optimizer = optimiser(unfreezing, plan)
    precision = Precision(plan.precision, plan.device)
    decayed, others = unfreezing.learnt()
    gradients = GradientChain([*decayed, *others], precision, plan.clip_norm, plan.l1, decayed)
    rates: list[float] = []
    losses: list[float] = []
    mean, least = 0.0, math.inf
    for step, micros in zip(range(steps), _endless(batches, plan.accumulate), strict=False):
        rate = low * (high / low) ** (step / (steps - 1))
        set_rates(optimizer, rate, None)
        at = Position(plan.seed, 0, step)
        for transform in plan.transforms:
            micros = [transform(batch, at, plan.kinds) for batch in micros]
        counts = torch.stack([objective.counts(batch) for batch in micros]).sum(0)
        value = 0.0
        for index, batch in enumerate(micros):
            reseed(Position(plan.seed, 0, step, index))
            with precision.autocast():
                outputs = trial(*batch.arguments())
            share, _ = objective(outputs, batch, counts)
            precision.backward(share)
            value += float(share.detach())
        gradients.finish(optimizer)
        precision.step(optimizer)
        optimizer.zero_grad(set_to_none=True)
        mean = 0.9 * mean + 0.1 * value
        running = mean / (1 - 0.9 ** (step + 1))
        if not math.isfinite(running) or running > 4 * least:
            break
        least = min(least, running)
        rates.append(rate)
        losses.append(value)
    losses = _smoothed(losses)
    return Found(tuple(rates), tuple(losses), _halfway(rates, losses))


def _endless(batches: Feed, accumulate: int) -> Iterator[list[Batch]]:
    """Effective batches, epoch after epoch."""
    epoch = 0
    while True:
        micros = iter(batches.epoch(epoch))
        while window := list(islice(micros, accumulate)):
            yield window
        epoch += 1


def _smoothed(losses: list[float], reach: int = 4) -> list[float]:
    """Means of 2·reach + 1 neighbours (fewer at the ends): unlike a running mean, they don't lag behind the rate."""
    around = (losses[max(0, i - reach) : i + reach + 1] for i in range(len(losses)))
    return [sum(near) / len(near) for near in around]


def _halfway(rates: list[float], losses: list[float]) -> float:
    """The last rate before the lowest loss at which half of the fall is still to come."""
    lowest = losses.index(min(losses)) if losses else 0
    level = (
        statistics.median(losses[: max(1, len(losses) // 4)]) if losses else 0.0
    )  # rates too small to change anything
    if lowest < 2 or not losses[lowest] < level:
        raise TrainingError.of("train.optimizer.lr", say("training.no-rate"), say("training.no-rate.remedy"))
    half = (level + losses[lowest]) / 2
    return rates[max(i for i in range(lowest) if losses[i] >= half)]
