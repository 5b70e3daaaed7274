"""Sequences of many lengths in one block: which positions are real, and what is read off them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


def unpadded(tokens: Any, lengths: Tensor | None = None, padding: int = 0) -> tuple[Tensor, Tensor]:
    """(ids (B, T), lengths int64 (B,), at least 1).

    tokens: an object with ``values`` (B, T) and ``sizes`` (B, 1), or a tensor; without lengths its trailing ``padding`` ids don't
    count. A sequence without tokens is read as one padding token.
    """
    if not isinstance(tokens, Tensor):
        tokens, lengths = tokens.values, tokens.sizes
    if lengths is None:
        lengths = ((tokens != padding) * torch.arange(1, tokens.shape[1] + 1, device=tokens.device)).amax(1)
    return tokens, lengths.reshape(-1).clamp_min(1)


def real(lengths: Tensor, size: int) -> Tensor:
    """bool (B, T): True for positions before the length."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def masked_mean(x: Tensor, seen: Tensor) -> Tensor:
    """(B, T, F), bool (B, T) → (B, F) over the seen positions."""
    weight = seen[:, :, None].to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp_min(1)


def masked_max(x: Tensor, seen: Tensor) -> Tensor:
    """(B, T, F), bool (B, T) → (B, F)."""
    return x.masked_fill(~seen[:, :, None], -math.inf).amax(1)


class AttentionPooling(nn.Module):
    """(B, T, F), bool (B, T) → (B, F): a mean whose weights are softmax(u·tanh(W·x)) over the seen positions.

    Yang et al. 2016, "Hierarchical Attention Networks", section 2.2.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, features)
        self.context = nn.Linear(features, 1, bias=False)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        scores = self.context(torch.tanh(self.hidden(x)))[:, :, 0]
        weights = scores.masked_fill(~seen, -math.inf).softmax(1)
        return torch.bmm(weights[:, None], x)[:, 0]
