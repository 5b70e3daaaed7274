"""Sharpness-aware minimisation: the gradient is taken where the loss is higher, a step of length ρ up the slope (Foret et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from danlu.training.slots.running import Copied, Running


class Sharpness:
    """Used once per effective batch, between its two backward passes: exact under accumulation, unlike a ρ for each micro-batch.

    The running statistics are those of the first pass, and the weights come back to the bit.
    """

    def __init__(self, net: nn.Module, parameters: Sequence[nn.Parameter], rho: float) -> None:
        self.rho = rho
        self._parameters = parameters
        self._running = Running(net)
        self._weights: list[tuple[nn.Parameter, Tensor]] = []
        self._buffers: list[Copied] = []

    @torch.no_grad()
    def climb(self) -> None:
        """w ← w + ρ·g/|g|; the gradients are forgotten. A loss scale cancels out."""
        held = [p for p in self._parameters if p.grad is not None]
        self._weights = [(p, p.detach().clone()) for p in held]
        self._buffers = self._running.read()
        if held:
            slopes = [p.grad for p in held if p.grad is not None]
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(slopes)))
            torch._foreach_mul_(slopes, self.rho / (norm + 1e-12))
            torch._foreach_add_([p.detach() for p in held], slopes)
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def descend(self) -> None:
        """Weights and running statistics as they were; the gradients of above stay."""
        for parameter, weight in self._weights:
            parameter.copy_(weight)
        self._running.write(self._buffers)
        self._weights, self._buffers = [], []
