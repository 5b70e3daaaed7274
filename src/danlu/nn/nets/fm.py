"""A factorisation machine: a weight of each field, and of each pair of fields the product of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.fields import Fields, Linear, pairwise


class FM(nn.Module):
    """Rows (B, numbers + categories), codes last → logits (B,). Rendle 2010, "Factorization Machines".

    cardinalities: codes of each category. embedding: length of the vectors. scale: of their values at the start.
    """

    def __init__(
        self,
        numbers: int,
        cardinalities: Sequence[int],
        *,
        embedding: Annotated[int, Field(ge=1)] = 16,
        scale: Annotated[float, Field(gt=0)] = 0.05,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.linear = Linear(numbers, cardinalities, sparse)
        self.fields = Fields(numbers, cardinalities, embedding, scale, sparse)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        vectors = self.dropout(self.fields(features))
        found: Tensor = self.linear(features) + pairwise(vectors).sum(1)
        return found
