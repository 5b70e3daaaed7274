"""Losses of torchvision's one-stage detectors as terms with counts of their own (house rule 4)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from danlu.data.batches.batch import Batch, Ragged
from danlu.nn.terms.base import Term
from danlu.tasks.detection.anchors import MOST
from danlu.tasks.detection.terms import distance_giou_loss


def column(batch: Batch, name: str) -> Tensor:
    value = batch[name]
    assert isinstance(value, Tensor)
    return value


class PlainBox(Term):
    """FCOS as torchvision has it: 1 - GIoU of answering locations, each counted alike."""

    def __init__(self) -> None:
        super().__init__("fcos_box", "box")

    def count(self, batch: Batch) -> Tensor:
        return (column(batch, "fcos_class") >= 0).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        at = column(batch, "fcos_class") >= 0
        found = self.pick(outputs)[at]
        return distance_giou_loss(found, column(batch, self.target)[at].to(found.dtype)).sum()


class RetinaClass(Term):
    """Sigmoid focal loss (α .25, γ 2) over the anchors that are not ignored, by each image's answering ones; count: images."""

    def __init__(self) -> None:
        super().__init__("fcos_class", "class")

    def count(self, batch: Batch) -> Tensor:
        return torch.tensor(float(len(column(batch, self.target))), dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits, found = self.pick(outputs), column(batch, self.target)
        truth = F.one_hot(found.clamp(min=0), logits.shape[-1]).to(logits.dtype) * (found >= 0)[..., None]
        loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        probability = torch.sigmoid(logits)
        missed = torch.where(truth > 0, 1 - probability, probability)
        loss = loss * (0.25 * truth + 0.75 * (1 - truth)) * missed**2 * (found != -2)[..., None]
        return (loss.sum((1, 2)) / (found >= 0).sum(1).clamp(min=1)).sum()


class RetinaBox(Term):
    """L1 of the offsets, or 1 - GIoU of the boxes (``giou``), by each image's answering ones; count: images."""

    def __init__(self, giou: bool) -> None:
        super().__init__("fcos_box", "box")
        self.giou = giou

    def count(self, batch: Batch) -> Tensor:
        return torch.tensor(float(len(column(batch, "fcos_class"))), dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        at = column(batch, "fcos_class") >= 0
        found = self.pick(outputs)[at]
        truth = column(batch, self.target)[at].to(found.dtype)
        loss = _giou(found, truth) if self.giou else (found - truth).abs().sum(1)
        weight = 1 / at.sum(1).clamp(min=1).to(found.dtype)
        return (loss * weight[:, None].expand(at.shape)[at]).sum()


class SsdClass(Term):
    """Cross entropy with the background as a class: of answering anchors, and of each image's hardest three times as many others.

    Count: answering anchors.
    """

    def __init__(self) -> None:
        super().__init__("fcos_class", "class")

    def count(self, batch: Batch) -> Tensor:
        return (column(batch, self.target) >= 0).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        found = column(batch, self.target)
        logits = torch.cat([outputs["background"].float(), self.pick(outputs)], -1)
        loss = F.cross_entropy(logits.flatten(0, 1), (found + 1).clamp(min=0).flatten(), reduction="none").view_as(
            found
        )
        others = torch.where(found == -1, loss.detach(), -torch.inf)
        rank = others.sort(1, descending=True).indices.argsort(1)
        hard = (rank < 3 * (found >= 0).sum(1, keepdim=True)) & (found == -1)
        return loss[found >= 0].sum() + loss[hard].sum()


class SsdBox(Term):
    """Smooth L1 of the offsets of answering anchors; count: these anchors."""

    def __init__(self) -> None:
        super().__init__("fcos_box", "box")

    def count(self, batch: Batch) -> Tensor:
        return (column(batch, "fcos_class") >= 0).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        at = column(batch, "fcos_class") >= 0
        found = self.pick(outputs)[at]
        return F.smooth_l1_loss(found, column(batch, self.target)[at].to(found.dtype), reduction="sum")


class Told(Term):
    """A loss that the net's forward pass computed, (B,) shares under "losses". Count: images, or objects (crowds aside)."""

    def __init__(self, name: str, over: str) -> None:
        super().__init__("boxes", name)
        self.over = over

    def count(self, batch: Batch) -> Tensor:
        boxes = batch["boxes"]
        assert isinstance(boxes, Ragged)
        if self.over == "images":
            return torch.tensor(float(len(boxes.offsets) - 1), dtype=torch.float64)
        return (boxes.values[:, 5] == 0).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        return self.pick(outputs["losses"]).sum()


def _giou(found: Tensor, truth: Tensor) -> Tensor:
    """1 - GIoU of boxes given by offsets from the same anchor: it is the same in the anchor's own units."""
    corners = []
    for said in (found, truth):
        half = torch.exp(said[:, 2:].clamp(max=MOST)) / 2
        corners.append(torch.cat([said[:, :2] - half, said[:, :2] + half], 1))
    (a, b) = corners
    areas = [(each[:, 2:] - each[:, :2]).prod(1) for each in corners]
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    union = areas[0] + areas[1] - shared
    return 1 - (shared / (union + 1e-7) - (hull - union) / (hull + 1e-7))
