"""Logistic regression on the fields of a row: what every net for clicks has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from danlu.nn.embedding.fields import Linear


class Logistic(nn.Module):
    """Rows (B, numbers + categories), codes last → logits (B,): a weight of each. cardinalities: codes of each category."""

    def __init__(self, numbers: int, cardinalities: Sequence[int], *, sparse: bool = False) -> None:
        super().__init__()
        self.linear = Linear(numbers, cardinalities, sparse)

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.linear(features)
        return found
