"""TabM: an ensemble of small nets that share their weights, for the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.dropout import Dropout
from danlu.nn.numeric import Periodic, Piecewise

Size = Annotated[int, Field(ge=1)]
_LARGEST = 64  # of a category's vector


class TabM(nn.Module):
    """Rows float32 (B, numbers + categories), codes last → (B, members, classes); ``members`` predictions, whose mean is the answer.

    cardinalities: codes of each category. quantiles: of each number, for ``embedding: piecewise``. Each layer's weights are shared;
    a member scales what goes in and what comes out by vectors of its own, and has its own bias and its own head (as BatchEnsemble).
    Gorishniy et al. 2024, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling".
    """

    def __init__(
        self,
        numbers: int,
        cardinalities: Sequence[int],
        classes: int,
        quantiles: Sequence[Sequence[float]] = (),
        *,
        members: Size = 16,
        width: Size = 256,
        depth: Size = 2,
        embedding: Literal["periodic", "piecewise", "none"] = "piecewise",
        size: Size = 12,
        frequencies: Size = 24,
        spread: Annotated[float, Field(gt=0)] = 0.1,
        activation: str = "relu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.numbers = numbers
        self.embedding: nn.Module | None = None
        if numbers and embedding == "periodic":
            self.embedding = Periodic(numbers, size, frequencies, spread)
        elif numbers and embedding == "piecewise" and len(quantiles):
            self.embedding = Piecewise(quantiles, size)
        self.categories = nn.ModuleList(nn.Embedding(count, _vector(count)) for count in cardinalities)
        for table in self.categories:
            nn.init.normal_(table.weight, std=0.3)  # type: ignore[arg-type]
            nn.init.zeros_(table.weight[:2])  # type: ignore[index]  # nothing is known of the unseen, nor of the missing
        inner = numbers * (size if self.embedding is not None else 1) + sum(map(_vector, cardinalities))
        self.layers = nn.ModuleList(
            Shared(inner if place == 0 else width, width, members, first=place == 0) for place in range(depth)
        )
        self.activation = make_activation(activation)
        self.dropout = Dropout(dropout)
        self.head = Heads(width, classes, members)

    def forward(self, features: Tensor) -> Tensor:
        parts: list[Tensor] = []
        if self.numbers:
            values = features[:, : self.numbers]
            parts.append(values if self.embedding is None else self.embedding(values).flatten(1))
        for place, table in enumerate(self.categories, self.numbers):
            parts.append(table(features[:, place].long()))
        x = torch.cat(parts, dim=1)[:, None, :]
        for layer in self.layers:
            x = self.dropout(self.activation(layer(x)))
        found: Tensor = self.head(x)
        return found


class Shared(nn.Module):
    """(B, 1 or members, in) → (B, members, out): one matrix, vectors and biases of each member.

    first: the vectors in front are ±1 by chance, which makes the members different; all others begin at 1.
    """

    def __init__(self, inner: int, outer: int, members: int, first: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(inner, outer, bias=False)
        ones = torch.ones(members, inner)
        self.before = nn.Parameter(
            torch.where(torch.rand(members, inner) < 0.5, -ones, ones) if first and members > 1 else ones
        )
        self.after = nn.Parameter(torch.ones(members, outer))
        bound = inner**-0.5
        self.bias = nn.Parameter(torch.empty(members, outer).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear(x * self.before) * self.after + self.bias
        return found


class Heads(nn.Module):
    """(B, members, in) → (B, members, out): a linear layer for each member."""

    def __init__(self, inner: int, outer: int, members: int) -> None:
        super().__init__()
        bound = inner**-0.5
        self.weight = nn.Parameter(torch.empty(members, inner, outer).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, outer).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bki,kio->bko", x, self.weight) + self.bias


def _vector(count: int) -> int:
    """Length of a category's vector: 1.6·count^0.56, as fastai, at most 64."""
    found = round(1.6 * math.pow(count, 0.56))
    return min(_LARGEST, max(2, found))
