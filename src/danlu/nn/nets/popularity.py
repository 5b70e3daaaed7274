"""The same for everybody: what most users met."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions


class Popularity(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → log(1 + users who met the item in training)·scale, the scale being learnt."""

    counts: Tensor

    def __init__(self, users: int, items: int, interactions: Interactions) -> None:
        super().__init__()
        self.register_buffer("counts", torch.from_numpy(interactions.counts()).float().log1p())
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return self.scale * self.counts[items]

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,)."""
        return self.scale * self.counts[None].expand(users.shape[0], -1)
