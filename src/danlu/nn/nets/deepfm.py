"""DeepFM: a factorisation machine and layers over the same vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.nn.embedding.fields import Fields, Linear, deep, pairwise

Size = Annotated[int, Field(ge=1)]


class DeepFM(nn.Module):
    """Rows (B, numbers + categories), codes last → logits (B,). Guo et al. 2017, "DeepFM: A Factorization-Machine based Neural Network
    for CTR Prediction".

    cardinalities: codes of each category. embedding: length of the vectors. hidden: widths of the layers, empty for none. scale: of
    the vectors' values at the start.
    """

    def __init__(
        self,
        numbers: int,
        cardinalities: Sequence[int],
        *,
        embedding: Size = 16,
        hidden: Sequence[Size] = (128, 128),
        scale: Annotated[float, Field(gt=0)] = 0.05,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.linear = Linear(numbers, cardinalities, sparse)
        self.fields = Fields(numbers, cardinalities, embedding, scale, sparse)
        inner = self.fields.count * embedding
        self.layers = deep(inner, hidden, dropout)
        self.head = nn.Linear(hidden[-1] if hidden else inner, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        vectors = self.fields(features)
        found: Tensor = self.linear(features) + pairwise(vectors).sum(1)
        found = found + self.head(self.layers(vectors.flatten(1)))[:, 0]
        return found
