"""DCN-V2: layers that multiply with what came in, so that crosses of fields of any order are learnt, and deep layers after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.nn.embedding.fields import Fields, Linear, deep

Size = Annotated[int, Field(ge=1)]


class DCNv2(nn.Module):
    """Rows (B, numbers + categories), codes last → logits (B,). Wang et al. 2021, "DCN V2: Improved Deep & Cross Network".

    x ← x₀ ⊙ U(V·x) + x, crosses times, in ``rank`` dimensions (section 3.2), then deep layers after it (stacked). cardinalities: codes
    of each category. embedding: length of the vectors. hidden: widths of the deep layers, empty for none.
    """

    def __init__(
        self,
        numbers: int,
        cardinalities: Sequence[int],
        *,
        embedding: Size = 16,
        crosses: Size = 3,
        rank: Size = 64,
        hidden: Sequence[Size] = (128, 128),
        scale: Annotated[float, Field(gt=0)] = 0.05,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.linear = Linear(numbers, cardinalities, sparse)
        self.fields = Fields(numbers, cardinalities, embedding, scale, sparse)
        inner = self.fields.count * embedding
        self.into = nn.ModuleList(nn.Linear(inner, min(rank, inner), bias=False) for _ in range(crosses))
        self.back = nn.ModuleList(nn.Linear(min(rank, inner), inner) for _ in range(crosses))
        self.layers = deep(inner, hidden, dropout)
        self.head = nn.Linear(hidden[-1] if hidden else inner, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        first = self.fields(features).flatten(1)
        x = first
        for into, back in zip(self.into, self.back, strict=True):
            x = first * back(into(x)) + x
        found: Tensor = self.linear(features) + self.head(self.layers(x))[:, 0]
        return found
