"""The net around a scorer by content: users, items that somebody likes, and which items are candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions
from danlu.tasks.item_recommendation.net import Recommender


class ContentRecommender(Recommender):
    """As :class:`Recommender`; a user of -2 - k asks for what is like the k-th item.

    met: int64 (B,), the items that were met: then what a loss of in-batch negatives looks at. fresh: where a part is asked about, items
    that were met in training are no candidates.

    scorer: ``pairs(user, item)``, ``scores(user, part) → (B, M)`` and ``like(item) → (B, M)``.
    """

    log_q: Tensor
    warm: Tensor

    def __init__(self, scorer: nn.Module, known: Interactions, fresh: bool) -> None:
        super().__init__(scorer, known)
        counts = known.counts()
        self.fresh = fresh
        share = (counts + 1.0) / max(1.0, float((counts + 1).sum()))
        self.register_buffer("log_q", torch.from_numpy(np.log(share)).float())
        self.register_buffer("warm", torch.from_numpy(counts > 0))

    def forward(self, user: Tensor, part: Tensor | None = None, met: Tensor | None = None) -> dict[str, Any]:
        if met is not None:
            scorer: Any = self.scorer
            return {**scorer.pairs(user.clamp_min(0), met), "log_q": self.log_q[met], "met": met}
        return super().forward(user, part)

    def _all(self, user: Tensor, part: Tensor | None) -> dict[str, Tensor]:
        scorer: Any = self.scorer
        some = (user >= 0) & (user < self.known.users)
        place = user.clamp(0, max(0, self.known.users - 1))
        scores = torch.where(some[:, None], scorer.scores(place, part).float(), self.popular[None])
        item = (-2 - user).clamp(0, self.known.count - 1)
        likes = user <= -2
        scores = torch.where(likes[:, None], scorer.like(item).float(), scores)
        seen = torch.where(some[:, None], self.known.of(place, part), -1)
        own = torch.where(torch.arange(seen.shape[1], device=user.device)[None] == 0, item[:, None], -1)
        seen = torch.where(likes[:, None], own, seen)
        if self.fresh and part is not None:
            scores = scores.masked_fill(self.warm[None] & (part > 0)[:, None], -torch.inf)
        return {"scores": scores, "seen": seen}
