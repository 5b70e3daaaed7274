"""The fields of a row as vectors: what nets for clicks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.table import table

_UNSAID = 2  # codes of rare and of missing values: nothing is known of them at the start


class Fields(nn.Module):
    """Rows float32 (B, numbers + categories), codes last → (B, F, width), a vector of each field; a number's is its value times one.

    All categories share one table, so that an optimiser that touches only the batch's rows sees one of them. scale: of the vectors at
    the start. sparse: see :func:`danlu.nn.embedding.table.table`.
    """

    starts: Tensor

    def __init__(
        self, numbers: int, cardinalities: Sequence[int], width: int, scale: float | None, sparse: bool = False
    ) -> None:
        super().__init__()
        self.numbers, self.width = numbers, width
        self.count = numbers + len(cardinalities)
        starts = [0, *accumulate(cardinalities)]
        self.register_buffer("starts", torch.tensor(starts[:-1], dtype=torch.int64), persistent=False)
        self.codes = table(max(1, starts[-1]), width, scale, sparse)
        with torch.no_grad():
            for start in starts[:-1]:
                self.codes.weight[start : start + _UNSAID] = 0.0
        self.values = nn.Parameter(torch.zeros(numbers, width))
        if scale is not None:
            nn.init.normal_(self.values, std=scale)

    def forward(self, features: Tensor) -> Tensor:
        values = features[:, : self.numbers, None] * self.values
        codes = features[:, self.numbers :].long() + self.starts
        return torch.cat([values, self.codes(codes)], dim=1)


class Linear(nn.Module):
    """Rows → one number (B,): a weight of each code and of each number, and a bias. Logistic regression on codes as 0 and 1."""

    def __init__(self, numbers: int, cardinalities: Sequence[int], sparse: bool = False) -> None:
        super().__init__()
        self.weights = Fields(numbers, cardinalities, 1, None, sparse)
        nn.init.zeros_(self.weights.values)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.weights(features).sum((1, 2)) + self.bias
        return found


def pairwise(vectors: Tensor) -> Tensor:
    """(B, F, D) → (B, D): Σ over pairs of fields of their product, in F·D operations (Rendle 2010, lemma 3.1)."""
    return 0.5 * (vectors.sum(1).square() - vectors.square().sum(1))


def deep(inner: int, hidden: Sequence[int], dropout: float, norm: bool = False) -> nn.Sequential:
    """Layers (B, inner) → (B, hidden[-1])."""
    layers: list[nn.Module] = []
    for one, other in zip((inner, *hidden), hidden, strict=False):
        layers += [Dropout(dropout), nn.Linear(one, other), *([nn.BatchNorm1d(other)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers)
