"""SASRec: what a user would like next, from what they met before and in which order, by causal self-attention."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.attention import attend
from danlu.nn.dropout import Dropout
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.ranking import all_scores

Size = Annotated[int, Field(ge=1)]


class Causal(nn.Module):
    """One layer: x + attention(norm(x)) to this place and earlier ones, then x + MLP(norm(x)). x (B, T, F)."""

    def __init__(self, width: int, heads: int, activation: str, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} must be a multiple of heads {heads}")
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inside = nn.Linear(width, 3 * width)
        self.outside = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, width), make_activation(activation), Dropout(dropout), nn.Linear(width, width)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        parts = self.inside(self.norm1(x)).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        share = self.dropout.p if self.training else 0.0
        found = attend(q, k, v, dropout=share, causal=True)
        x = x + self.dropout(self.outside(found.transpose(1, 2).reshape(batch, time, width)))
        x = x + self.dropout(self.mlp(self.norm2(x)))
        return x


class SASRec(nn.Module):
    """Users (B,) and items (B, n) → scores (B, n); the first item is the one that was met, and only what came before it is looked at.

    Kang & McAuley 2018, "Self-Attentive Sequential Recommendation". interactions: in the order of their times. length: items that are
    looked back at. A user's sequence is cut into windows of that length which overlap by half, and each window is computed once in a
    batch: an item sees at least ``length`` / 2 items before it, where there are so many. Before the first there stands a mark.
    """

    ordered: ClassVar[bool] = True  # is given interactions in the order of their times
    sequential: ClassVar[bool] = True  # ``every`` is told which part is asked about

    def __init__(
        self,
        users: int,
        items: int,
        interactions: Interactions,
        *,
        width: Size = 64,
        layers: Size = 2,
        heads: Size = 2,
        length: Annotated[int, Field(ge=2, le=4096)] = 50,
        activation: str = "gelu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.begin, self.length, self.step = items, length, max(1, length // 2)
        self._known = (interactions,)  # in a tuple: its buffers belong to the recommender, and are not held twice
        self.vectors = nn.Embedding(items + 1, width)
        self.places = nn.Parameter(torch.empty(length, width))
        nn.init.normal_(self.vectors.weight, std=1 / math.sqrt(width))
        nn.init.normal_(self.places, std=0.02)
        self.layers = nn.ModuleList(Causal(width, heads, activation, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        known = self._known[0]
        met = items if items.dim() == 1 else items[:, 0]
        place = known.place(users, met)
        window = place // self.step
        most = (
            known.longest // self.step + 1
        )  # of anybody, which the host knows: asking for the batch's would wait for a GPU
        both, at = torch.unique(users * most + window, return_inverse=True)
        user, window = both // most, both % most
        ends = torch.minimum((window + 1) * self.step, known.ends[user, 0])
        first = (window + 1) * self.step - self.length
        states = self.states(known.between(user, first, ends, self.length))
        local = place - 1 - first[at]  # where the item before it stands
        state = states[at, local]
        wanted = self.vectors(items)
        found: Tensor = (state * wanted).sum(-1) if items.dim() == 1 else (wanted @ state[:, :, None])[:, :, 0]
        return found

    def every(self, users: Tensor, part: Tensor | None = None) -> Tensor:
        """Scores (B, items) of all items after the last that users (B,) met before ``part`` (B,), or at all."""
        return all_scores(self.of_users(users, part), self.of_items())

    def of_users(self, users: Tensor, part: Tensor | None = None) -> Tensor:
        """(B, D) for users (B,): its products with :meth:`of_items` are the scores."""
        known = self._known[0]
        ends = known.many(users, part)
        return self.states(known.between(users, ends - self.length, ends, self.length))[:, -1]

    def of_items(self) -> Tensor:
        """(items, D)."""
        return self.vectors.weight[: self.begin]

    def states(self, sequence: Tensor) -> Tensor:
        """What is known at each place of sequences of items, int64 (B, length), -1 where there is none: (B, length, width)."""
        found: Tensor = self.vectors(torch.where(sequence >= 0, sequence, self.begin))
        found = self.dropout(found * math.sqrt(found.shape[-1]) + self.places)
        for layer in self.layers:
            found = layer(found)
        found = self.norm(found)
        return found
