"""Followers change with the weights, after each update: an exponential moving average (Polyak and Juditsky 1992), or the mean of
the weights at the ends of the last epochs (SWA, Izmailov et al. 2018).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.training.schedules.base import Horizon


class Ema:
    """A copy of the net whose weights are averaged: e ← d·e + (1 - d)·w with d = min(decay, (1 + t) / (10 + t)).

    The smaller d of the first steps keeps the random initial weights from lingering. Buffers (batch norm's statistics) are averaged
    too where they are floating point, else copied, so that they belong to the averaged weights; so are masks of -inf, whose average
    would be NaN.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False)
        source, target = dict(net.state_dict()), dict(self.net.state_dict())
        averaged = {name for name, value in target.items() if _averages(value)}
        self._pairs = [(target[name], source[name]) for name in target if name in averaged]
        self._copied = [(target[name], source[name]) for name in target if name not in averaged]

    @torch.no_grad()
    def follow(self, step: int, refused: bool | Tensor = False) -> None:
        """step: updates before this one, from 0. refused: whether the guard refuses it, then the average stays as it is."""
        if refused is True:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        means, values = [mean for mean, _ in self._pairs], [value for _, value in self._pairs]
        if isinstance(refused, Tensor):
            moves = torch._foreach_sub(values, means)
            torch._foreach_mul_(moves, (1 - decay) * (1 - refused))
            torch._foreach_add_(means, moves)
        else:
            torch._foreach_lerp_(means, values, 1 - decay)
        for mean, value in self._copied:
            mean.copy_(value)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.net.state_dict())

    def load(self, tensors: dict[str, Tensor]) -> None:
        self.net.load_state_dict(tensors)


class Swa:
    """A copy of the net whose weights are the mean of those at the ends of the epochs from step ``start`` on.

    Until then they are those of the last epoch's end. Batch norm's statistics are no mean of anything: :meth:`refresh` takes them anew
    for the averaged weights. Other buffers are those of the net.
    """

    def __init__(self, net: nn.Module, start: int, horizon: Horizon) -> None:
        self.start, self.horizon = start, horizon
        self.net = copy.deepcopy(net).requires_grad_(False)
        self.count = torch.zeros((), device=next((p.device for p in net.parameters()), None))
        self._pairs = list(zip(self.net.parameters(), net.parameters(), strict=True))
        self._copied = list(zip(self.net.buffers(), net.buffers(), strict=True))
        self._norms = collecting(self.net)

    @torch.no_grad()
    def follow(self, step: int, refused: bool | Tensor = False) -> None:
        """As :meth:`Ema.follow`."""
        ends = (step + 1) % self.horizon.steps_per_epoch == 0 or step + 1 == self.horizon.steps
        if not ends or refused is True:
            return
        counts = 1 - refused if isinstance(refused, Tensor) else torch.ones_like(self.count)
        if step >= self.start:
            self.count += counts
        share = counts / self.count.clamp(min=1)
        for mean, value in self._pairs:
            mean.lerp_(value.to(mean.dtype), share.to(mean.dtype))
        for buffer, now in self._copied:
            buffer.copy_(now)

    @property
    def stale(self) -> bool:
        """Whether batch norm's statistics are not those of the weights: of a mean of several. Waits for the device."""
        return bool(self._norms) and float(self.count) >= 2

    @torch.no_grad()
    def refresh(self, batches: Iterable[Batch]) -> None:
        take_anew(self.net, self._norms, batches)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.net.state_dict())

    def load(self, tensors: dict[str, Tensor]) -> None:
        self.net.load_state_dict(tensors)


def collecting(net: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The batch norms whose statistics are taken in training."""
    return [part for part in net.modules() if _collects(part)]


@torch.no_grad()
def take_anew(net: nn.Module, norms: Sequence[nn.modules.batchnorm._BatchNorm], batches: Iterable[Batch]) -> None:
    """Batch norm's statistics become those of ``batches``, each counting alike; nothing else in the net is in training mode."""
    net.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()  # type: ignore[no-untyped-call]
        norm.momentum = None
        norm.train()
    for batch in batches:
        net(*batch.arguments())
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def _collects(module: nn.Module) -> TypeGuard[nn.modules.batchnorm._BatchNorm]:
    """Whether it is a batch norm that takes statistics, and is not held in eval mode."""
    return (
        isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.track_running_stats
        and "train" not in vars(module)
    )


def _averages(value: Tensor) -> bool:
    return value.is_floating_point() and bool(torch.isfinite(value).all())
