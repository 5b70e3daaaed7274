"""Followers change with the weights, after each update: an exponential moving average (Polyak and Juditsky 1992)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Ema:
    """A copy of the net whose weights are averaged: e ← d·e + (1 - d)·w with d = min(decay, (1 + t) / (10 + t)).

    The smaller d of the first steps keeps the random initial weights from lingering. Buffers (batch norm's statistics) are averaged
    too where they are floating point, else copied, so that they belong to the averaged weights.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False)
        source, target = dict(net.state_dict()), dict(self.net.state_dict())
        self._pairs = [(target[name], source[name]) for name in target if target[name].is_floating_point()]
        self._copied = [(target[name], source[name]) for name in target if not target[name].is_floating_point()]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """step: updates done before this one, from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_([mean for mean, _ in self._pairs], [value for _, value in self._pairs], 1 - decay)
        for mean, value in self._copied:
            mean.copy_(value)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.net.state_dict())

    def load(self, tensors: dict[str, Tensor]) -> None:
        self.net.load_state_dict(tensors)
