"""The guide's collaborative filtering: the dot product of a user's and an item's embedding."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.products import scored
from danlu.nn.embedding.ranking import all_scores
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import table


class CollaborativeFiltering(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → scores of the same shape as the items.

    users, items: how many there are. embedding: width. biases: add a learnt number for the user, for the item and for
    all (Koren et al. 2009); the guide has none. scale: standard deviation of embeddings at the start; None leaves the
    guide's N(0, 1), under which scores begin with variance ``embedding``. dropout: share of a user's and an item's
    numbers left out while training. sparse: see :func:`danlu.nn.embedding.table.table`. joint: scores and squares are best asked for
    together.
    """

    def __init__(
        self,
        users: Annotated[int, Field(ge=1)],
        items: Annotated[int, Field(ge=1)],
        *,
        embedding: Annotated[int, Field(ge=1)] = 64,
        biases: bool = False,
        scale: Annotated[float, Field(gt=0)] | None = None,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.user_embeddings = table(users, embedding, scale, sparse)
        self.item_embeddings = table(items, embedding, scale, sparse)
        self.dropout = Dropout(dropout)
        self.biases, self.joint = biases, sparse
        if biases:
            self.user_biases = table(users, 1, 0.0, sparse)
            self.item_biases = table(items, 1, 0.0, sparse)
            self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, users: Tensor, items: Tensor, lengths: bool = False) -> Any:
        """lengths: (scores, *:meth:`squares`), for whose sake no row is looked up again where gradients are sparse."""
        biases = (self.user_biases, self.item_biases) if self.biases else None
        drop = self.dropout if self.training and self.dropout.p else None
        scores, *squared = scored(self.user_embeddings, self.item_embeddings, users, items, biases, lengths, drop)
        if self.biases:
            scores = scores + self.offset
        return (scores, *squared) if lengths else scores

    def squares(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """‖embedding‖² of users and of items, in their shapes, for L2 on what a batch looks up."""
        return squares(self.user_embeddings, users), squares(self.item_embeddings, items)

    def of_users(self, users: Tensor) -> Tensor:
        """(B, D) for users (B,): its products with :meth:`of_items` are the scores."""
        own = self.user_embeddings(users)
        if not self.biases:
            return own  # type: ignore[no-any-return]
        return torch.cat([own, torch.ones_like(own[:, :1]), self.user_biases(users) + self.offset], 1)

    def of_items(self) -> Tensor:
        """(items, D)."""
        own = self.item_embeddings.weight
        return torch.cat([own, self.item_biases.weight, torch.ones_like(own[:, :1])], 1) if self.biases else own

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,)."""
        scores = all_scores(self.user_embeddings(users), self.item_embeddings.weight)
        if self.biases:
            scores = scores + self.user_biases(users) + self.item_biases.weight[:, 0][None] + self.offset
        return scores
