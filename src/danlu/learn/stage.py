"""What lessons play on: a net as it was trained, the same net as it began, and a few fixed batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.nonfinite.culprits import take
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.randomness import reseed
from danlu.training.seeing import undisturbed


@dataclass(frozen=True, eq=False)
class Stage:
    """net: trained, in evaluation mode; lessons work on copies. fresh: makes the net with its first weights, the same each time.

    batches: of the training part, on the CPU, transforms done. plan: how it was trained (optimiser, clipping); without transforms.
    published: the run began from published weights, which are not fetched; ``fresh`` draws all of them anew. threads: that lessons
    compute on.
    """

    net: nn.Module
    fresh: Callable[[], nn.Module]
    objective: Objective
    batches: tuple[Batch, ...]
    plan: Plan
    published: bool = False
    threads: int = 1

    def loss(self, net: nn.Module, batch: Batch, step: int = 0) -> Tensor:
        """0-d mean loss of one batch, as training computes it in a step. Whatever the net draws depends on the step alone: torch's
        generators are seeded, so call it inside :func:`danlu.training.seeing.undisturbed`.
        """
        reseed(Position(self.plan.seed, 0, step))
        return self.judged(net(*batch.arguments()), batch)

    def judged(self, outputs: object, batch: Batch) -> Tensor:
        """0-d mean loss of what a net gave for a batch."""
        share: Tensor = self.objective(outputs, batch, self.objective.counts(batch))[0]
        return share

    def smaller(self, samples: int) -> Stage:
        """With the first ``samples`` of each batch."""
        return replace(self, batches=tuple(first(batch, samples) for batch in self.batches))


class Fixed:
    """The same batches in every epoch."""

    def __init__(self, batches: tuple[Batch, ...]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        return iter(self._batches[start:])


def first(batch: Batch, samples: int) -> Batch:
    """The first ``samples`` of a batch, or all where there are no more."""
    return take(batch, np.arange(min(samples, len(batch))))


def doubled(batch: Batch) -> Batch:
    """The batch in double precision, for differences that rounding must not spoil; integers stay as they are."""
    return batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """``make()`` with weights that depend on the seed alone; the generators stand afterwards as before."""
    with undisturbed():
        torch.default_generator.manual_seed(seed)
        return make()


def finite(loss: Tensor) -> float:
    """The value of a 0-d loss. Raises DanluError where it is NaN or infinite: the net's training has failed."""
    value = float(loss.detach())
    if not np.isfinite(value):
        raise DanluError.of("", say("learn.not-finite"), say("learn.use-builtin"))
    return value
