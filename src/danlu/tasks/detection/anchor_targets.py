"""Which anchor answers for which box, by torchvision's rules: a batch transform, so that counts are known before the forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.base import Kind
from danlu.randomness import Position
from danlu.tasks.detection.anchors import Form, anchors
from danlu.tasks.detection.assign import each_image

CENTRE = 1.5  # FCOS: a location answers for a box only within so many strides of its middle


class AssignAnchors:
    """Adds what each of an image's L anchors should say, under FCOS's names for all nets.

    fcos_class: int64 (B, L): class, -1 background, -2 ignored (between the thresholds, centred in a crowd, or on the padding).
    fcos_box: float32 (B, L, 4), as the net's coder says it. fcos_centre: float32 (B, L), for "distances" alone.
    """

    partners = 0

    def __init__(self, form: Form) -> None:
        self.form = form

    def __str__(self) -> str:
        return "assign-anchors"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        image, boxes = batch["image"], batch["boxes"]
        assert isinstance(boxes, Ragged)
        assert isinstance(image, Padded | Tensor)
        block = image.values if isinstance(image, Padded) else image
        size = (int(block.shape[2]), int(block.shape[3]))
        near, level = (torch.from_numpy(part).to(block.device) for part in anchors(self.form, size))
        found, said = [], []
        for index, rows in enumerate(each_image(boxes)):
            height, width = image.sizes[index].tolist() if isinstance(image, Padded) else size
            kinds_, corners = self._one(near, level, rows, height, width)
            found.append(kinds_)
            said.append(encoded(self.form, corners, near))
        targets, sides = torch.stack(found), torch.stack(said)
        made = batch.with_columns(fcos_class=targets, fcos_box=sides)
        if self.form["coder"] != "distances":
            return made
        shorter = torch.minimum(sides[..., :2], sides[..., 2:]) / torch.maximum(sides[..., :2], sides[..., 2:])
        centre = torch.where(targets >= 0, shorter.prod(-1).clamp(min=0).sqrt(), 0.0)
        return made.with_columns(fcos_centre=centre)

    def _one(self, near: Tensor, level: Tensor, rows: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """(class (L,), corners (L, 4) of the box that each anchor answers for, its own where for none) of one image."""
        crowd = rows[:, 5] > 0
        boxes, labels = rows[~crowd, :4].float(), rows[~crowd, 4].long()
        middle = (near[:, :2] + near[:, 2:]) / 2
        if len(boxes):
            rule = {"centre": _by_centre, "overlap": _by_overlap, "best": _by_best}[self.form["match"]]
            which = rule(near, level, boxes)
        else:
            which = torch.full((len(near),), -1, dtype=torch.int64, device=near.device)
        found = torch.where(which >= 0, labels[which.clamp(min=0)], which) if len(boxes) else which
        corners = torch.where((which >= 0)[:, None], boxes[which.clamp(min=0)], near) if len(boxes) else near
        for box in rows[crowd, :4]:
            inside = ((middle >= box[:2]) & (middle < box[2:])).all(1)
            found = torch.where(inside & (found < 0), -2, found)
        on_image = (middle < torch.tensor([width, height], device=near.device)).all(1)
        return torch.where(on_image, found, -2), corners


class TellBoxes:
    """The boxes become an input of the net, for nets whose forward pass needs them to learn (what they sample, or denoise)."""

    partners = 0

    def __str__(self) -> str:
        return "tell-boxes"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        return replace(batch, inputs=(*batch.inputs, "boxes")) if "boxes" not in batch.inputs else batch


def encoded(form: Form, boxes: Tensor, near: Tensor) -> Tensor:
    """(L, 4): what a net should say of ``boxes`` (L, 4) about the anchors ``near`` (L, 4)."""
    size, middle = near[:, 2:] - near[:, :2], (near[:, :2] + near[:, 2:]) / 2
    if form["coder"] == "distances":
        return torch.cat([middle - boxes[:, :2], boxes[:, 2:] - middle], 1) / size.repeat(1, 2)
    weights = torch.tensor(form["coder"], device=near.device)
    shift = ((boxes[:, :2] + boxes[:, 2:]) / 2 - middle) / size
    return torch.cat([shift, torch.log((boxes[:, 2:] - boxes[:, :2]) / size)], 1) * weights


def _by_centre(near: Tensor, level: Tensor, boxes: Tensor) -> Tensor:
    """FCOS: inside the box, near its middle, its furthest side in the level's reach; the smallest such box."""
    middle, size = (near[:, :2] + near[:, 2:]) / 2, near[:, 2] - near[:, 0]
    close = (middle[:, None] - ((boxes[:, :2] + boxes[:, 2:]) / 2)[None]).abs().amax(-1) < CENTRE * size[:, None]
    sides = torch.cat([middle[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - middle[:, None]], -1)
    least = torch.where(level == 0, 0.0, size * 4)
    most = torch.where(level == level.max(), torch.inf, size * 8)
    furthest = sides.amax(-1)
    fits = close & (sides.amin(-1) > 0) & (furthest > least[:, None]) & (furthest < most[:, None])
    area = torch.where(fits, (boxes[:, 2:] - boxes[:, :2]).prod(1)[None], torch.inf)
    smallest, which = area.min(1)
    return torch.where(torch.isfinite(smallest), which, -1)


def _by_overlap(near: Tensor, level: Tensor, boxes: Tensor) -> Tensor:
    """RetinaNet: an IoU of at least .5, ignored from .4; and the best anchors of every box, whatever their IoU."""
    iou = overlaps(boxes, near)
    best, which = iou.max(0)
    answers = torch.where(best < 0.4, -1, torch.where(best < 0.5, -2, which))
    closest = (iou == iou.amax(1, keepdim=True)).any(0)
    return torch.where(closest, which, answers)


def _by_best(near: Tensor, level: Tensor, boxes: Tensor) -> Tensor:
    """SSD: an IoU of at least .5; and the best anchor of every box."""
    iou = overlaps(boxes, near)
    best, which = iou.max(0)
    answers = torch.where(best < 0.5, -1, which)
    for index, place in enumerate(iou.argmax(1).tolist()):
        answers[place] = index
    return answers


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU (M, L)."""
    low, high = torch.maximum(boxes[:, None, :2], others[:, :2]), torch.minimum(boxes[:, None, 2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(each[:, 2:] - each[:, :2]).prod(-1) for each in (boxes, others)]
    return shared / (areas[0][:, None] + areas[1] - shared)
