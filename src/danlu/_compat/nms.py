"""Greedy non-maximum suppression in plain PyTorch, equal to torchvision's C++ kernel."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

_BLOCK = 1024  # boxes judged at once: a square of this side is in memory


def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """int64 (kept,): indices of the kept boxes by falling score, equal scores in their order.

    dets: (N, 4) boxes x1, y1, x2, y2, any real dtype; halves are computed in float32. scores: (N,). A box goes where
    its IoU with a better kept one is > ``iou_threshold``. Boxes without area have IoU 0 or 0/0 with each other and
    stay, as in the C++ kernel. Raises RuntimeError for other shapes.

    Greedy suppression is the fixed point of keep = no kept better box overlaps; iterating it on a block of boxes
    settles at least one more box a round, and in practice all in a few, instead of one Python step a box.
    """
    if dets.ndim != 2 or dets.shape[1] != 4:
        raise RuntimeError(f"boxes should be a 2d tensor of shape (N, 4), got {tuple(dets.shape)}")
    if scores.ndim != 1 or len(scores) != len(dets):
        raise RuntimeError(f"boxes and scores should match, got {tuple(dets.shape)} and {tuple(scores.shape)}")
    order = scores.sort(descending=True, stable=True).indices
    boxes = dets.detach()[order]
    boxes = boxes if boxes.dtype == torch.float64 else boxes.float()
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    threshold = iou_threshold if boxes.dtype == torch.float64 else _floor32(iou_threshold)

    def overlaps(one: Tensor, other: Tensor) -> Tensor:
        low = torch.maximum(boxes[one, None, :2], boxes[None, other, :2])
        sides = (torch.minimum(boxes[one, None, 2:], boxes[None, other, 2:]) - low).clamp_(min=0)
        inter = sides[..., 0] * sides[..., 1]
        return inter / (areas[one, None] + areas[None, other] - inter) > threshold

    kept: list[Tensor] = []
    for block in torch.arange(len(boxes), device=boxes.device).split(_BLOCK):  # type: ignore[no-untyped-call]
        for better in kept:
            block = block[~overlaps(better, block).any(0)]
        beats = overlaps(block, block).triu_(1)
        keep = torch.ones(len(block), dtype=torch.bool, device=boxes.device)
        while True:
            again = ~(beats & keep[:, None]).any(0)
            if torch.equal(again, keep):
                break
            keep = again
        kept.append(block[keep])
    return order[torch.cat(kept)] if kept else order


def _floor32(value: float) -> float:
    """The largest float32 t ≤ ``value``: a float32 is > t just where it is > ``value``, as the C++ kernel compares."""
    single = np.float32(value)
    if math.isnan(value) or float(single) <= value:
        return float(single)
    return float(np.nextafter(single, np.float32(-np.inf)))
