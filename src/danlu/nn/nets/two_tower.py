"""Two towers: a vector of each user, and one of each item made of what is known of it, so that items nobody met have one too."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.items import Items
from danlu.nn.embedding.ranking import all_scores

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class TwoTower(nn.Module):
    """score = user · item + bias; item = Σ TF·IDF · (vector of the term) + a matrix · numbers; a hidden layer on it if ``hidden`` > 0.

    ids: a vector of each item's own is added, as in collaborative filtering, which makes a hybrid. It is left out at random in training
    (``drop_ids``; Volkovs et al. 2017, DropoutNet), and always for items that nobody met. The bias is made of the content too.
    """

    warm: Tensor

    def __init__(
        self,
        users: int,
        items: int,
        content: Items,
        interactions: Interactions,
        *,
        width: Size = 64,
        hidden: Annotated[int, Field(ge=0)] = 0,
        dropout: Share = 0.3,
        ids: bool = False,
        drop_ids: Share = 0.5,
        scale: Annotated[float, Field(gt=0)] = 0.1,
    ) -> None:
        super().__init__()
        self.content = content
        self.drop_ids = drop_ids
        self.register_buffer("warm", torch.from_numpy(interactions.counts() > 0))
        self.users = nn.Embedding(users, width)
        self.terms = nn.Embedding(content.vocabulary + 1, width)
        self.numbers = nn.Linear(content.numbers.shape[1], width)
        self.biases = nn.Embedding(content.vocabulary + 1, 1)
        self.tilt = nn.Linear(content.numbers.shape[1], 1)
        self.ids = nn.Embedding(items, width) if ids else None
        self.hidden = (
            nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, width))
            if hidden
            else None
        )
        self.dropout = Dropout(dropout)
        for table in (self.users, self.terms, *((self.ids,) if self.ids is not None else ())):
            nn.init.normal_(table.weight, std=scale)
        nn.init.zeros_(self.biases.weight)

    def item_vectors(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """(vectors (B, width), biases (B,)) of items, int64 (B,)."""
        terms, weights, numbers = self.content.terms[items], self.content.weights[items], self.content.numbers[items]
        bias = (self.biases(terms)[:, :, 0] * weights).sum(1) + self.tilt(numbers)[:, 0]
        vectors = (self.terms(terms) * self.dropout(weights)[:, :, None]).sum(1) + self.numbers(numbers)
        if self.hidden is not None:
            vectors = vectors + self.hidden(vectors)
        if self.ids is not None:
            there = self.warm[items].to(vectors.dtype)
            if self.training:
                there = there * (torch.rand(len(items), device=items.device) >= self.drop_ids)
            vectors = vectors + self.ids(items) * there[:, None]
        return vectors, bias

    def pairs(self, users: Tensor, items: Tensor) -> dict[str, Tensor]:
        """What in-batch negatives need: {"user": (B, width), "item": (B, width), "bias": (B,)}."""
        vectors, bias = self.item_vectors(items)
        return {"user": self.dropout(self.users(users)), "item": vectors, "bias": bias}

    def scores(self, users: Tensor, part: Tensor | None) -> Tensor:
        """(B, M) of all items."""
        vectors, bias = self._every()
        return all_scores(self.users(users), vectors) + bias

    def of_users(self, users: Tensor) -> Tensor:
        """(B, D) for users (B,): its products with :meth:`of_items` are the scores."""
        own = self.users(users)
        return torch.cat([own, torch.ones_like(own[:, :1])], 1)

    def of_items(self) -> Tensor:
        """(items, D)."""
        vectors, bias = self._every()
        return torch.cat([vectors, bias[:, None]], 1)

    def like(self, items: Tensor) -> Tensor:
        """(B, M): cosines of items' vectors."""
        unit = F.normalize(self._every()[0], dim=1)
        return all_scores(unit[items], unit)

    def _every(self) -> tuple[Tensor, Tensor]:
        return self.item_vectors(torch.arange(self.content.count, device=self.content.terms.device))
