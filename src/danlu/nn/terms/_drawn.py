"""What the terms of a recommendation share: the item that a user met, beside items that were drawn for comparison."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from torch import Tensor

from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class Drawn(Term):
    """Outputs {"candidates": (B, 1 + n)}, the item that was met first; or {"scores": (B, items)} of all, met at ``batch["item"]``.

    In training n items are drawn for comparison; where all are scored, as in evaluation, all of them stand for those that might be
    drawn. target: column (B,), which samples count (1) and which don't (0).
    """

    def count(self, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        total: Tensor = target.sum().double()
        return total

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        weight: Any = batch[self.target]
        if "candidates" in outputs:
            scores = outputs["candidates"].float()
            each = self.loss(scores[:, 0], scores[:, 1:])
        else:
            scores = outputs["scores"].float()
            item: Any = batch["item"]
            each = self.loss(scores.gather(1, item.clamp_min(0)[:, None])[:, 0], scores)
        total: Tensor = (each * weight.to(each.dtype)).sum()
        return total

    @abstractmethod
    def loss(self, met: Tensor, others: Tensor) -> Tensor:
        """(B,) from the scores (B,) of items that were met and (B, n) of the others."""
