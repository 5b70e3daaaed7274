"""The net around a scorer: cold users get what is popular, and what was met is told beside the scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions
from danlu.tasks.interactions.shrinkage import told


class Recommender(nn.Module):
    """``user`` int64 (B,), -1 for a user of whom nothing is known → scores of items.

    With ``candidates`` (B, n), places of items: {"candidates": float32 (B, n)}, as training asks. Without: {"scores": float32
    (B, items), "seen": int64 (B, L)}, places of what the user met, -1 behind them. part: int64 (B,), what counts as met is what is in
    earlier parts of the data; None: everything.

    told: add "squares" (B,) while training, ‖user‖² + ‖what was met‖² + the mean of the others' ‖item‖², where ``scorer`` has a method
    ``squares``.

    scorer: ``scorer(user (B,), items (B, n)) → (B, n)``; with a method ``every(user (B,)) → (B, items)`` all are scored at once. One
    that is ``sequential`` is asked by ``every(user, part)``, as its answer hangs on what counts as met.
    """

    popular: Tensor
    unchanging = ("popular",)

    def __init__(self, scorer: nn.Module, known: Interactions, told: bool = False) -> None:
        super().__init__()
        self.told = told and hasattr(scorer, "squares")
        self.known = known
        self.scorer = scorer
        self.register_buffer("popular", torch.from_numpy(known.counts()).float().log1p())

    def forward(self, user: Tensor, part: Tensor | None = None, candidates: Tensor | None = None) -> dict[str, Any]:
        if candidates is not None:
            place = user.clamp_min(0)
            if not (self.told and self.training):
                return {"candidates": self.scorer(place, candidates)}
            scores, of_user, of_items = told(self.scorer, place, candidates)
            return {"candidates": scores, "squares": of_user + of_items[:, 0] + of_items[:, 1:].mean(1)}
        if self.training or torch.compiler.is_exporting():
            return self._all(user, part)
        both = user if part is None else user * 4 + part  # a user's rows are answered once
        _, place = torch.unique(both, return_inverse=True)
        first = torch.full((int(place.max()) + 1,), len(user), device=user.device)
        first.scatter_reduce_(0, place, torch.arange(len(user), device=user.device), "amin")
        every = self._all(user[first], None if part is None else part[first])
        return {name: values.index_select(0, place) for name, values in every.items()}

    def _all(self, user: Tensor, part: Tensor | None) -> dict[str, Tensor]:
        some = (user >= 0) & (user < self.known.users)
        place = user.clamp(0, max(0, self.known.users - 1))
        scores = torch.where(some[:, None], self._scores(place, part).float(), self.popular[None])
        return {"scores": scores, "seen": torch.where(some[:, None], self.known.of(place, part), -1)}

    def _scores(self, place: Tensor, part: Tensor | None) -> Tensor:
        every = getattr(self.scorer, "every", None)
        if every is not None:
            scores: Tensor = every(place, part) if getattr(self.scorer, "sequential", False) else every(place)
            return scores
        items = torch.arange(self.known.count, device=place.device)
        return torch.as_tensor(self.scorer(place, items[None].expand(len(place), -1)))
