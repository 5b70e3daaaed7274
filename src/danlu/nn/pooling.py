"""What a head sees of maps: one or two numbers of each channel."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Pool = Literal["avg", "max", "avg-max"]


class GlobalPool(nn.Module):
    """(B, C, H, W) → (B, C), the average or the greatest of each channel, or (B, 2C): all averages, then all greatest."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        if self.pool == "avg":
            return x.mean((2, 3))
        if self.pool == "max":
            return x.amax((2, 3))
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def extra_repr(self) -> str:
        return self.pool
