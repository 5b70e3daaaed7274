"""LightGCN: embeddings averaged over the graph of who met what, without any weights of their own (He et al. 2020)."""

from __future__ import annotations

import warnings
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.products import multiplied
from danlu.nn.embedding.ranking import all_scores
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import table


class _Spread(torch.autograd.Function):
    """A·x for a symmetric sparse matrix, whose gradient is A·g again."""

    @staticmethod
    def forward(context: Any, matrix: Tensor, values: Tensor) -> Tensor:
        context.matrix = matrix
        spread: Tensor = torch.sparse.mm(matrix, values)
        return spread

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, torch.sparse.mm(context.matrix, gradients[0])


class Lightgcn(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → scores of the items' shape.

    interactions: the graph, of which the training part is used: D^-½ A D^-½ over users and items. layers: how often embeddings are
    passed on; the mean of all layers, the first included, is used. scale: standard deviation of embeddings at the start.
    """

    def __init__(
        self,
        users: Annotated[int, Field(ge=1)],
        items: Annotated[int, Field(ge=1)],
        interactions: Interactions,
        *,
        embedding: Annotated[int, Field(ge=1)] = 64,
        layers: Annotated[int, Field(ge=1, le=8)] = 2,
        scale: Annotated[float, Field(gt=0)] = 0.1,
    ) -> None:
        super().__init__()
        self.users, self.depth = users, layers
        self.embeddings = table(users + items, embedding, scale, sparse=False)
        self._known = [interactions]  # in a list: its buffers belong to who made it
        self._graph: Tensor | None = None
        self._of: Any = None
        self._passed: Tensor | None = None

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        passed = self._vectors()
        return multiplied(passed[: self.users], passed[self.users :], users, items)

    def squares(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """‖embedding‖² of users and of items, in their shapes, for L2 on what a batch looks up."""
        return squares(self.embeddings, users), squares(self.embeddings, items + self.users)

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,)."""
        return all_scores(self.of_users(users), self.of_items())

    def of_users(self, users: Tensor) -> Tensor:
        """(B, D) for users (B,): its products with :meth:`of_items` are the scores."""
        return self._vectors()[users]

    def of_items(self) -> Tensor:
        """(items, D)."""
        return self._vectors()[self.users :]

    def train(self, mode: bool = True) -> Lightgcn:
        """Weights hold still while the net is judged, so that they are passed on once."""
        super().train(mode)
        self._passed = None
        if not mode:
            with torch.no_grad():
                self._passed = self._spread()
        return self

    def _vectors(self) -> Tensor:
        return self._spread() if self._passed is None else self._passed

    def _spread(self) -> Tensor:
        graph = self._adjacency()
        total = each = self.embeddings.weight
        for _ in range(self.depth):
            each = _Spread.apply(graph, each)  # type: ignore[no-untyped-call]
            total = total + each
        return total / (self.depth + 1)

    def _adjacency(self) -> Tensor:
        device = self.embeddings.weight.device
        known = self._known[0].items
        key = (known.data_ptr(), known._version, device)
        if self._graph is None or self._of != key:
            self._graph, self._of = _adjacency(self._known[0], self.users, len(self.embeddings.weight), device), key
        return self._graph


def _adjacency(known: Interactions, users: int, nodes: int, device: torch.device) -> Tensor:
    """float32 CSR (nodes, nodes): 1/√(degree·degree) between a user and an item that met."""
    user, item = known.learnt()
    one, other = np.r_[user, item + users], np.r_[item + users, user]
    degree = np.maximum(np.bincount(one, minlength=nodes), 1)
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    starts = np.r_[0, np.cumsum(np.bincount(one, minlength=nodes))]
    values = 1.0 / np.sqrt(degree[one].astype(np.float64) * degree[other])
    with warnings.catch_warnings():  # that torch calls such matrices new
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(
            torch.from_numpy(starts.astype(np.int64)), torch.from_numpy(other.astype(np.int64)),
            torch.from_numpy(values.astype(np.float32)), size=(nodes, nodes), device=device,
        )  # fmt: skip
