"""Neural collaborative filtering: a product of embeddings beside layers over others (He et al. 2017)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import table


class Neumf(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → scores (logits) of the items' shape.

    embedding: width of the product's and of the layers' embeddings, each their own. hidden: widths of the layers. dropout: before
    each layer while training. scale: standard deviation of embeddings at the start. sparse: see
    :func:`danlu.nn.embedding.table.table`.
    """

    def __init__(
        self,
        users: Annotated[int, Field(ge=1)],
        items: Annotated[int, Field(ge=1)],
        *,
        embedding: Annotated[int, Field(ge=1)] = 64,
        hidden: tuple[Annotated[int, Field(ge=1)], ...] = (128, 64),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
        scale: Annotated[float, Field(gt=0)] = 0.1,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.user_factors, self.item_factors = (table(n, embedding, scale, sparse) for n in (users, items))
        self.user_vectors, self.item_vectors = (table(n, embedding, scale, sparse) for n in (users, items))
        self.from_user = nn.Linear(embedding, hidden[0])
        self.from_item = nn.Linear(embedding, hidden[0], bias=False)
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(hidden))
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(embedding + hidden[-1], 1)
        self.width = embedding

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        one = users if items.dim() == 1 else users[:, None]  # what is the user's own is worked out once for all items
        product = self.user_factors(one) * self.item_factors(items)
        deep = self.from_user(self.dropout(self.user_vectors(one))) + self.from_item(
            self.dropout(self.item_vectors(items))
        )
        return self._scored(product @ self.head.weight[0, : self.width], deep)

    def squares(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """‖embedding‖² of users and of items, in their shapes, for L2 on what a batch looks up."""
        of_users = squares(self.user_factors, users) + squares(self.user_vectors, users)
        return of_users, squares(self.item_factors, items) + squares(self.item_vectors, items)

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,). The first layer is a sum of the user's and the item's share, taken once."""
        weighted = self.user_factors(users) * self.head.weight[0, : self.width]
        product = weighted @ self.item_factors.weight.T
        deep = self.from_user(self.user_vectors(users))[:, None] + self.from_item(self.item_vectors.weight)[None]
        return self._scored(product, deep)

    def _scored(self, product: Tensor, deep: Tensor) -> Tensor:
        deep = torch.relu(deep)
        for layer in self.layers:
            deep = torch.relu(layer(self.dropout(deep)))
        scores: Tensor = product + deep @ self.head.weight[0, self.width :] + self.head.bias
        return scores
