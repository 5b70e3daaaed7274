"""What lessons play on: a net as it was trained, the same net as it began, and a few fixed batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.training.objective import Objective
from danlu.training.plan import Plan


@dataclass(frozen=True)
class Stage:
    """net: trained, in evaluation mode; lessons work on copies. fresh: makes the net with its first weights, the same each time.
    batches: of the training part, on the CPU, transforms done. plan: how it was trained (optimiser, clipping); without transforms.
    """

    net: nn.Module
    fresh: Callable[[], nn.Module]
    objective: Objective
    batches: tuple[Batch, ...]
    plan: Plan

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """0-d mean loss of one batch, as training computes it."""
        share, _ = self.objective(net(*batch.arguments()), batch, self.objective.counts(batch))
        assert isinstance(share, Tensor)
        return share


class Fixed:
    """The same batches in every epoch."""

    def __init__(self, batches: tuple[Batch, ...]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        return iter(self._batches[start:])


def doubled(batch: Batch) -> Batch:
    """The batch in double precision, for differences that rounding must not spoil; integers stay as they are."""
    return batch.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """``make()`` with weights that depend on the seed alone; torch's generator stands afterwards as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
