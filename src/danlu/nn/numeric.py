"""Numbers as vectors: a net of plain layers can't bend its answer as sharply at a value as a tree does, unless it is given these."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Periodic(nn.Module):
    """(B, F) → (B, F, size): sines and cosines of learnt frequencies, a linear layer shared by all numbers, ReLU ("PLR-lite").

    frequencies: of each number, drawn from N(0, spread²). Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep
    Learning".
    """

    def __init__(self, numbers: int, size: int, frequencies: int = 24, spread: float = 0.1) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.empty(numbers, frequencies))
        nn.init.trunc_normal_(self.frequencies, 0.0, spread, a=-3 * spread, b=3 * spread)
        self.linear = nn.Linear(2 * frequencies, size)

    def forward(self, x: Tensor) -> Tensor:
        turns = 2 * math.pi * self.frequencies * x[:, :, None]
        found: Tensor = torch.relu(self.linear(torch.cat([torch.cos(turns), torch.sin(turns)], dim=2)))
        return found


class Piecewise(nn.Module):
    """(B, F) → (B, F, size): a linear layer for each number on how far it has come through each interval between quantiles.

    quantiles: (F, T + 1), ascending, of training rows; intervals of no width give nothing. The first and last go on beyond their ends.
    The piecewise-linear encoding of Gorishniy et al. 2022, with the plain number beside it.
    """

    start: Tensor
    width: Tensor
    first: Tensor
    last: Tensor

    def __init__(self, quantiles: Sequence[Sequence[float]], size: int) -> None:
        super().__init__()
        edges = torch.tensor([list(row) for row in quantiles], dtype=torch.float32)
        width = edges[:, 1:] - edges[:, :-1]
        there = width > 1e-6
        numbers, intervals = width.shape
        places = torch.arange(intervals).expand(numbers, -1)
        first = torch.where(there, places, intervals).amin(1, keepdim=True)
        last = torch.where(there, places, -1).amax(1, keepdim=True)
        self.register_buffer("start", edges[:, :-1].clone())
        self.register_buffer("width", torch.where(there, width, torch.inf))
        self.register_buffer("first", torch.where(places == first, -torch.inf, 0.0))
        self.register_buffer("last", torch.where(places == last, torch.inf, 1.0))
        self.weight = nn.Parameter(torch.empty(numbers, intervals, size))
        self.plain = nn.Parameter(torch.empty(numbers, size))
        self.bias = nn.Parameter(torch.zeros(numbers, size))
        nn.init.zeros_(self.weight)
        nn.init.uniform_(self.plain, -1.0, 1.0)
        nn.init.uniform_(self.bias, -1.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        through = (x[:, :, None] - self.start) / self.width
        through = torch.minimum(torch.maximum(through, self.first), self.last)
        found = torch.einsum("bft,fts->bfs", through, self.weight)
        return torch.relu(found + x[:, :, None] * self.plain + self.bias)
