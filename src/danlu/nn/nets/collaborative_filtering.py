"""The guide's collaborative filtering: the dot product of a user's and an item's embedding."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn


class CollaborativeFiltering(nn.Module):
    """User ids (B,) and item ids (B,) → scores (B,).

    users, items: how many there are. embedding: width. biases: add a learnt number for the user, for the item and for
    all (Koren et al. 2009); the guide has none. scale: standard deviation of embeddings at the start; None leaves the
    guide's N(0, 1), under which scores begin with variance ``embedding``.
    """

    def __init__(
        self,
        users: Annotated[int, Field(ge=1)],
        items: Annotated[int, Field(ge=1)],
        *,
        embedding: Annotated[int, Field(ge=1)] = 64,
        biases: bool = False,
        scale: Annotated[float, Field(gt=0)] | None = None,
    ) -> None:
        super().__init__()
        self.user_embeddings = nn.Embedding(users, embedding)
        self.item_embeddings = nn.Embedding(items, embedding)
        if scale is not None:
            nn.init.normal_(self.user_embeddings.weight, std=scale)
            nn.init.normal_(self.item_embeddings.weight, std=scale)
        self.biases = biases
        if biases:
            self.user_biases = nn.Embedding(users, 1)
            self.item_biases = nn.Embedding(items, 1)
            nn.init.zeros_(self.user_biases.weight)
            nn.init.zeros_(self.item_biases.weight)
            self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        scores: Tensor = (self.user_embeddings(users) * self.item_embeddings(items)).sum(1)
        if self.biases:
            scores = scores + (self.user_biases(users) + self.item_biases(items))[:, 0] + self.offset
        return scores
