"""The mean of a schedule-free optimiser's steps: the weights that it is about, beside those at which gradients are taken."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from danlu.data.batches.batch import Batch
from danlu.training.optimisers.schedule_free import ScheduleFree
from danlu.training.slots.followers import collecting, take_anew

ENOUGH = 50  # batches for batch norm's statistics, as the authors advise


class Averaged:
    """A copy of the net with the optimiser's mean weights, made when it is wanted: training itself keeps every bit.

    Batch norm's statistics of the net are not those of the mean: :meth:`refresh` takes them anew, where the net takes any now.
    """

    def __init__(self, net: nn.Module, optimizer: ScheduleFree) -> None:
        self.net = copy.deepcopy(net).requires_grad_(False)
        self._trained = net
        self._optimizer = optimizer
        self._pairs = list(zip(self.net.parameters(), net.parameters(), strict=True))
        self._copied = list(zip(self.net.buffers(), net.buffers(), strict=True))
        self.stale = True

    def follow(self, step: int, refused: bool | Tensor = False) -> None:
        self.stale = True

    @torch.no_grad()
    def refresh(self, batches: Iterable[Batch]) -> None:
        """Before the net is judged. batches: an epoch's."""
        self._copy()
        now = set(collecting(self._trained))
        names = {name for name, part in self._trained.named_modules() if part in now}
        norms = [part for name, part in self.net.named_modules() if name in names and isinstance(part, _BatchNorm)]
        if norms:
            take_anew(self.net, norms, islice(batches, ENOUGH))
        self.stale = False

    def tensors(self) -> dict[str, Tensor]:
        if self.stale:
            self._copy()
        return dict(self.net.state_dict())

    def load(self, tensors: dict[str, Tensor]) -> None:
        self.net.load_state_dict(tensors)

    @torch.no_grad()
    def _copy(self) -> None:
        for mean, parameter in self._pairs:
            mean.copy_(self._optimizer.mean(parameter))
        for buffer, now in self._copied:
            buffer.copy_(now)
