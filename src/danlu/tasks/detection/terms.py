"""FCOS's three terms, each with a count of its own (house rule 4)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from danlu.data.batches.batch import Batch
from danlu.nn.terms.base import Term


def _column(batch: Batch, name: str) -> Tensor:
    value = batch[name]
    assert isinstance(value, Tensor)
    return value


class ClassTerm(Term):
    """Sigmoid focal loss over every location and class (Lin et al. 2017), α .25, γ 2.

    Count: locations that answer for a box, at least one an image, so that images without objects still teach the background.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0) -> None:
        super().__init__("fcos_class", "class")
        self.alpha = alpha
        self.gamma = gamma

    def count(self, batch: Batch) -> Tensor:
        return (_column(batch, self.target) >= 0).sum(1).clamp(min=1).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits, found = self.pick(outputs), _column(batch, self.target)
        truth = F.one_hot(found.clamp(min=0), logits.shape[-1]).to(logits.dtype) * (found >= 0)[..., None]
        loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        probability = torch.sigmoid(logits)
        missed = torch.where(truth > 0, 1 - probability, probability)
        weight = (self.alpha * truth + (1 - self.alpha) * (1 - truth)) * missed**self.gamma
        return (loss * weight * (found != -2)[..., None]).sum()


class BoxTerm(Term):
    """1 - GIoU of the boxes of answering locations (Rezatofighi et al. 2019), weighted by their centre-ness; count: Σ centre-ness."""

    def __init__(self) -> None:
        super().__init__("fcos_centre", "box")

    def count(self, batch: Batch) -> Tensor:
        return _column(batch, self.target).double().sum()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        weight = _column(batch, self.target)
        at = weight > 0
        found = self.pick(outputs)[at]
        true = _column(batch, "fcos_box")[at].to(found.dtype)  # areas in the precision of the outputs
        return (distance_giou_loss(found, true) * weight[at]).sum()


class CentreTerm(Term):
    """Binary cross entropy of the centre-ness at answering locations; count: these locations."""

    def __init__(self) -> None:
        super().__init__("fcos_centre", "centre")

    def count(self, batch: Batch) -> Tensor:
        return (_column(batch, "fcos_class") >= 0).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        at = _column(batch, "fcos_class") >= 0
        logits = self.pick(outputs)[at]
        truth = _column(batch, self.target)[at].to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, truth, reduction="sum")


def distance_giou_loss(found: Tensor, true: Tensor) -> Tensor:
    """1 - GIoU (n,) of boxes about the same location, each as distances left, top, right, bottom (n, 4) ≥ 0."""
    shared = torch.minimum(found, true)
    hull = torch.maximum(found, true)
    intersection = (shared[:, 0] + shared[:, 2]) * (shared[:, 1] + shared[:, 3])
    areas = sum((d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3]) for d in (found, true))
    union = areas - intersection
    outer = (hull[:, 0] + hull[:, 2]) * (hull[:, 1] + hull[:, 3])
    giou = intersection / union.clamp(min=1e-7) - (outer - union) / outer.clamp(min=1e-7)
    return 1 - giou
