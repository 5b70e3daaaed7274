"""Scores of items by the items that a user has met: a matrix (items, items) that is computed, not learnt step by step."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions, rows
from danlu.nn.embedding.ranking import all_scores

MOST = 20_000  # items: the matrix then takes 1.6 GB, and its inverse some minutes


class ItemToItem(nn.Module):
    """User ids (B,) and item ids (B,) or (B, n) → scores of the items' shape: Σ over the items met in training.

    The matrix is fitted when the net is made, from the training part of ``interactions``. The one parameter, which the loop learns, is
    the scale of all scores; it changes no order. Raises ValueError for more items than can be held.
    """

    weights: Tensor
    unchanging = ("weights",)

    def __init__(self, users: int, items: int, interactions: Interactions) -> None:
        super().__init__()
        if items > MOST:
            raise ValueError(f"a matrix of {items:,} × {items:,} items can't be held; at most {MOST:,}")
        self.count = items
        self._known = [interactions]  # in a list: its buffers belong to who made it
        self.scale = nn.Parameter(torch.ones(()))

    def fit(self) -> None:
        """Compute the matrix; nothing was met: zeros."""
        user, item = self._known[0].learnt()
        found = self.matrix(user, item) if len(user) else np.zeros((self.count, self.count))
        self.register_buffer("weights", torch.from_numpy(found.astype(np.float32)))

    @abstractmethod
    def matrix(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """float (items, items) from the pairs (N,), (N,): entry [i, j] is what having met i says for j."""

    def every(self, users: Tensor) -> Tensor:
        """Scores (B, items) of all items for users (B,)."""
        known = self._known[0]
        met = known.of(users, torch.ones_like(users))
        scores: Tensor = self.scale * all_scores(rows(met, self.count), self.weights.T)
        return scores

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return self.every(users).gather(1, items if items.dim() == 2 else items[:, None]).reshape(items.shape)


def together(user: np.ndarray, item: np.ndarray, users: int, items: int) -> np.ndarray:
    """float64 (items, items): how many users met both."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    met = csr_matrix((np.ones(len(user)), (user, item)), shape=(users, items))
    counts: np.ndarray = (met.T @ met).toarray()
    return counts
