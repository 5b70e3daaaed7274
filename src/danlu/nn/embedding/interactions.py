"""Which items each user has met, part by part: what nets learn from, and what is never recommended again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.large import arrays
from danlu.large.arrays import Growing
from danlu.large.sorting import sort_order, together

PARTS = 3  # train, val, test: an item is known from its part on


class Interactions(nn.Module):
    """U users' items in compressed rows, those of training first; buffers, so that they travel with the weights.

    starts: int64 (U + 1,). ends: int64 (U, 3), how many of a user's items belong to train, to train and val, to all parts. items:
    int64 (N,), places of the items.
    """

    starts: Tensor
    ends: Tensor
    items: Tensor
    unchanging = ("starts", "ends", "items")

    def __init__(
        self,
        users: int,
        count: int,
        user: np.ndarray,
        item: np.ndarray,
        part: np.ndarray,
        when: np.ndarray | None = None,
    ) -> None:
        """count: items there are. user, item, part: int (N,), of every known pair; repeated pairs count once, in their first part.

        when: float (N,), times, by which a user's items of one part are in order; None: by their places.
        """
        super().__init__()
        self.users, self.count = users, count
        ends = np.zeros((users, PARTS), np.int64)
        met = Growing(np.int64)
        for rows in together(user, sort_order(user)):
            rows = rows[(user[rows] >= 0) & (item[rows] >= 0)]
            by = (item[rows],) if when is None else (item[rows], when[rows])
            pairs = np.stack([user[rows], item[rows], part[rows]]).astype(np.int64)
            pairs = pairs[:, np.lexsort((*by, part[rows], user[rows]))]
            _, first = np.unique(pairs[0] * count + pairs[1], return_index=True)
            pairs = pairs[:, np.sort(first)]
            for code in range(PARTS):
                own, many = np.unique(pairs[0][pairs[2] <= code], return_counts=True)
                ends[own, code] += many
            met.append(pairs[1])
        sizes = ends[:, -1]
        self.register_buffer("starts", torch.from_numpy(np.r_[0, np.cumsum(sizes)].astype(np.int64)))
        self.register_buffer("ends", torch.from_numpy(ends))
        self.register_buffer("items", torch.from_numpy(np.array(met.done())))
        self._measure()

    def _measure(self) -> None:
        self.longest = max(1, int(self.ends[:, -1].max())) if self.users else 1  # most items that one user has met

    def of(self, user: Tensor, before: Tensor | None = None) -> Tensor:
        """int64 (B, longest): places of the items that users (B,) have met, -1 behind them.

        before: int64 (B,), codes of parts: items of that part and of later ones are left out. None: all there are.
        """
        places = torch.arange(self.longest, device=user.device)
        many = self.many(user, before)
        at = (self.starts[user][:, None] + places[None]).clamp_max(max(0, len(self.items) - 1))
        found = self.items[at] if len(self.items) else at
        return torch.where(places[None] < many[:, None], found, -1)

    def many(self, user: Tensor, before: Tensor | None = None) -> Tensor:
        """int64 (B,): how many items users (B,) have met, see :meth:`of`."""
        ends = self.ends[user]
        return ends[:, -1] if before is None else _column(ends, before)

    def between(self, user: Tensor, first: Tensor, end: Tensor, length: int) -> Tensor:
        """int64 (B, length): the items of users (B,) from ``first`` (B,), which may be negative, before ``end`` (B,); -1 for none."""
        places = first[:, None] + torch.arange(length, device=user.device)[None]
        at = (self.starts[user][:, None] + places).clamp(0, max(0, len(self.items) - 1))
        found = self.items[at] if len(self.items) else at
        return torch.where((places >= 0) & (places < end[:, None]), found, -1)

    def place(self, user: Tensor, item: Tensor) -> Tensor:
        """int64 (B,): where each item stands among its user's; 0 for one that they have not met."""
        return (self.of(user) == item[:, None]).int().argmax(1)

    def learnt(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 (N,), (N,): user and item of every pair of the training part."""
        starts, ends = self.starts.cpu().numpy(), self.ends[:, 0].cpu().numpy()
        items = self.items.cpu().numpy()
        users, met = Growing(np.int64), Growing(np.int64)
        edges = np.searchsorted(starts, np.arange(0, len(items) + arrays.AT_ONCE, arrays.AT_ONCE))
        for first, last in pairwise(np.unique(np.r_[0, np.minimum(edges, self.users), self.users]).tolist()):
            many = ends[first:last]
            offset = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
            users.append(np.repeat(np.arange(first, last), many))
            met.append(items[np.repeat(starts[first:last], many) + offset])
        return users.done(), met.done()

    def counts(self) -> np.ndarray:
        """int64 (items,): users who met each item in training."""
        found = np.zeros(self.count, np.int64)
        met = self.learnt()[1]
        for some in arrays.blocks(len(met), met):
            found += np.bincount(met[some], minlength=self.count)
        return found

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        """Whatever number of pairs the weights bring along."""
        for name in ("starts", "ends", "items"):
            if prefix + name in state_dict:
                old, new = getattr(self, name), state_dict[prefix + name]
                setattr(self, name, torch.empty(new.shape, dtype=new.dtype, device=old.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._measure()


def _column(ends: Tensor, before: Tensor) -> Tensor:
    """ends[b, before[b] - 1], 0 where before is 0."""
    first = torch.zeros_like(ends[:, :1])
    return torch.cat([first, ends], dim=1).gather(1, before[:, None])[:, 0]


def rows(places: Tensor, count: int) -> Tensor:
    """float32 (B, count): 1 at the places (B, L), -1 for none."""
    wide = torch.zeros(places.shape[0], count + 1, device=places.device)
    return wide.scatter(1, torch.where(places >= 0, places, count), 1.0)[:, :count]
