"""Items whose words and tags are those of what a user met, rare ones counting more: nothing is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions, rows
from danlu.nn.embedding.items import Items
from danlu.nn.embedding.ranking import all_scores


class TfIdf(nn.Module):
    """Scores of items by content: the cosine of an item's TF·IDF with the sum of those that a user met. Computed when it is made."""

    def __init__(self, users: int, items: int, content: Items, interactions: Interactions) -> None:
        super().__init__()
        self._known = (interactions,)
        self.register_buffer("matrix", content.matrix(), persistent=False)
        self.unused = nn.Parameter(torch.zeros(()))  # so that a run of it has something to keep

    matrix: Tensor

    def scores(self, users: Tensor, part: Tensor | None) -> Tensor:
        profile = all_scores(rows(self._known[0].of(users, part), len(self.matrix)), self.matrix.T)
        length = profile.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return all_scores(profile / length, self.matrix)

    def like(self, items: Tensor) -> Tensor:
        return all_scores(self.matrix[items], self.matrix)

    def pairs(self, users: Tensor, items: Tensor) -> dict[str, Tensor]:
        """For a loss that has nothing to train."""
        found = self.unused * torch.ones(len(users), 1, device=users.device)
        return {"user": found, "item": found, "bias": found[:, 0]}
