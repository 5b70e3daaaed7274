"""Neural collaborative filtering: a product of embeddings beside layers over others (He et al. 2017)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.native import ranked
from danlu.nn.embedding.pairs import rectified, weighed
from danlu.nn.embedding.products import multiplied
from danlu.nn.embedding.ranking import all_scores
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import table

_AT_ONCE = 1 << 15  # pairs that are scored together, where all items are: their values stay near the core


class Neumf(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → scores (logits) of the items' shape.

    embedding: width of the product's and of the layers' embeddings, each their own. hidden: widths of the layers. dropout: before
    each layer while training; of an embedding that many pairs of a batch share, once for all of them. scale: standard deviation of
    embeddings at the start. sparse: see :func:`danlu.nn.embedding.table.table`.
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
        weight = self.head.weight[0]
        own, place = _rows(self.user_factors, users)
        product = multiplied(own * weight[: self.width], self.item_factors, place, items)
        one, a = _rows(self.user_vectors, users)
        other, b = _rows(self.item_vectors, items)
        share = self.dropout.p if self.training and len(self.layers) else 0.0
        deep = rectified(self.from_user(self.dropout(one)), self.from_item(self.dropout(other)), a, b, share)
        scores: Tensor = product + self._through(deep) + self.head.bias
        return scores

    def squares(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """‖embedding‖² of users and of items, in their shapes, for L2 on what a batch looks up."""
        of_users = squares(self.user_factors, users) + squares(self.user_vectors, users)
        return of_users, squares(self.item_factors, items) + squares(self.item_vectors, items)

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,). The first layer is a sum of the user's and the item's share, taken once."""
        weight, bias = self.head.weight[0], self.head.bias
        product = all_scores(self.user_factors(users) * weight[: self.width], self.item_factors.weight)
        one, other = self.from_user(self.user_vectors(users)), self.from_item(self.item_vectors.weight)
        if torch.compiler.is_compiling() or torch.compiler.is_exporting():
            scores: Tensor = product + self._through(torch.relu(one[:, None] + other)) + bias
            return scores
        if len(self.layers) == 1 and not torch.is_grad_enabled():
            between, head = cast(nn.Linear, self.layers[0]), weight[self.width :]
            if ranked.usable(one, other, between.weight):
                scores = product + ranked.ranked(one, other, between.weight, between.bias, head) + bias
                return scores
        count = len(other)
        some = max(1, _AT_ONCE // count)
        items, deep = torch.arange(count, device=users.device).repeat(min(some, len(one))), []
        for part in one.split(some):
            place = torch.arange(len(part), device=users.device)
            pairs = rectified(part, other, place, items[: len(part) * count].view(-1, count))
            deep.append(self._through(pairs))
        scores = product + torch.cat(deep) + bias
        return scores

    def _through(self, deep: Tensor) -> Tensor:
        """(…,): what the layers behind the first make of its values (…, H), and the head of theirs."""
        for number, layer in enumerate(self.layers):
            deep = layer(self.dropout(torch.relu(deep)) if number else deep)
        return weighed(deep, self.head.weight[0, self.width :])


def _rows(table: nn.Embedding, ids: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, which of them ids (…) mean): the whole table where more are asked for than there are, as each is worked out once then.

    A graph that is exported may have batches of any size, so none is compared there.
    """
    if table.sparse or torch.compiler.is_exporting() or ids.numel() < table.num_embeddings:
        return table(ids.reshape(-1)), torch.arange(ids.numel(), device=ids.device).view(ids.shape)
    return table.weight, ids
