"""Dice: how little prediction and truth overlap, by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._shapes import classes_in_front
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class Dice(Term):
    """1 - mean over classes of 2·Σ p·t / (Σ p + Σ t), p = softmax(logits), sums over pixels (Milletari et al. 2016, without squares).

    logits: (B, K, …), at least one dimension behind the classes. target: whole labels (B, …); ``ignore`` is in no sum.
    over: "image": a coefficient for each image, of the classes that are in its truth, and the count is the number of images with any
    label. "batch": one for the whole batch, which couples its samples (see :attr:`Term.coupled`); the count is the same.
    smooth: added above and below.
    """

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        over: Literal["image", "batch"] = "image",
        smooth: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0,
        ignore: int = -1,
    ) -> None:
        super().__init__(target, output)
        self.over = over
        self.smooth = smooth
        self.ignore = ignore
        self.coupled = over == "batch"

    def count(self, batch: Batch) -> Tensor:
        target = batch[self.target]
        assert isinstance(target, Tensor)
        return (target != self.ignore).flatten(1).any(1).sum(dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits, target = self.pick(outputs), batch[self.target]
        assert isinstance(target, Tensor)
        classes_in_front(type(self).__name__, self.target, logits, target)
        label, known = target.flatten(1)[:, None], (target != self.ignore).flatten(1)
        truth = (label == torch.arange(logits.shape[1], device=label.device)[:, None]) & known[:, None]
        share = logits.softmax(1).flatten(2) * known[:, None]
        both, true, found = (share * truth).sum(2), truth.sum(2, dtype=share.dtype), share.sum(2)
        images = known.any(1)
        if self.over == "batch":
            both, true, found = (part.sum(0, keepdim=True) for part in (both, true, found))
        there = true > 0
        below = torch.where(there, found + true + self.smooth, 1.0)
        each = torch.where(there, (2 * both + self.smooth) / below, 0.0).sum(1) / there.sum(1).clamp(min=1)
        lost = torch.where(there.any(1), 1 - each, 0.0)
        total: Tensor = lost.sum() * images.sum() if self.over == "batch" else lost.sum()
        return total

    def extra_repr(self) -> str:
        return f"over={self.over}, smooth={self.smooth}"
