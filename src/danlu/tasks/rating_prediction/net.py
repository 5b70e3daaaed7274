"""The net around a scorer: what it says is added to the mean rating, and nothing is said of who is not known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from danlu.tasks.interactions.shrinkage import told


class Rater(nn.Module):
    """``user``, ``item`` int64 (B,), -1 for one of whom nothing is known → ratings float32 (B,).

    scorer: ``scorer(user (B,), item (B,)) → (B,)``, in deviations of the training ratings. mean, deviation: of these. A pair of which
    one is not known gets the mean. told: while training {"value": ratings, "squares": (‖user‖² + ‖item‖²) · deviation² (B,)}, in the
    unit of a squared error, where ``scorer`` has a method ``squares``.
    """

    def __init__(self, scorer: nn.Module, mean: float, deviation: float, told: bool = False) -> None:
        super().__init__()
        self.told = told and hasattr(scorer, "squares")
        self.scorer = scorer
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(deviation or 1.0, dtype=torch.float32))

    mean: Tensor
    deviation: Tensor

    def forward(self, user: Tensor, item: Tensor) -> Tensor | dict[str, Tensor]:
        known = (user >= 0) & (item >= 0)
        user, item = user.clamp_min(0), item.clamp_min(0)
        if not (self.told and self.training):
            return self._value(self.scorer(user, item), known)
        found, of_user, of_item = told(self.scorer, user, item)
        return {"value": self._value(found, known), "squares": self.deviation.square() * (of_user + of_item)}

    def _value(self, found: Tensor, known: Tensor) -> Tensor:
        return self.mean + self.deviation * torch.where(known, found, 0.0)
