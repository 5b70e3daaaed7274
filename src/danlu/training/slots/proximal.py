"""L1 as a proximal step: after each update weights are drawn towards 0, and come to be 0 (Parikh and Boyd 2014, section 6.5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Proximal:
    """w ← sign(w)·max(|w| − r·λ, 0), the proximal operator of λ·Σ|w|. A penalty's gradient makes small weights, this makes zeros.

    r is the group's rate, where momentum adds up gradients (SGD, RMSprop) times what it makes of a constant one, so that both terms are
    weighed as in the loss. With Adam's kind r·λ is decoupled from the gradients' size, as AdamW's decay is.
    """

    def __init__(self, optimizer: Optimizer, parameters: Sequence[nn.Parameter], l1: float) -> None:
        self._optimizer = optimizer
        self._parameters = set(parameters)
        self.l1 = l1

    @torch.no_grad()
    def apply(self, refused: Tensor | None = None) -> None:
        """After the update, while its gradients are still there: what has none is left alone. refused: 0-d; at 1 nothing changes."""
        for group in self._optimizer.param_groups:
            reach: float | Tensor = group["lr"] * _gain(group) * self.l1
            if refused is not None:
                reach = reach * (1 - refused)
            for parameter in group["params"]:
                if parameter.grad is not None and parameter in self._parameters:
                    parameter.sub_(parameter.clamp(-reach, reach))  # type: ignore[arg-type]

    def zeros(self) -> int:
        """Weights that are exactly 0. Waits for the device."""
        return sum(int(parameter.numel() - parameter.count_nonzero()) for parameter in self._parameters)


def _gain(group: Mapping[str, Any]) -> float:
    """By how much momentum lengthens the steps of a gradient that stays."""
    if "dampening" not in group and "centered" not in group:
        return 1.0
    return float((1 - group.get("dampening", 0.0)) / (1 - group["momentum"])) if group["momentum"] else 1.0
