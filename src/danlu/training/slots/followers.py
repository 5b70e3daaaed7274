"""Followers change with the weights, after each update: an exponential moving average (Polyak and Juditsky 1992)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


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


def _averages(value: Tensor) -> bool:
    return value.is_floating_point() and bool(torch.isfinite(value).all())
