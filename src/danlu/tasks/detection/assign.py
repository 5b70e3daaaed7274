"""Which location answers for which box: a batch transform, so that every term's count is known before the forward pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.base import Kind
from danlu.randomness import Position
from danlu.tasks.detection.locations import REACH, STRIDES, grid

CENTRE = 1.5  # a location answers for a box only within so many strides of its middle (centre sampling)


class AssignBoxes:
    """Adds what each of an image's L locations should say.

    fcos_class: int64 (B, L): class, -1 background, -2 ignored (inside a crowd, or on the padding beyond the image). fcos_box: float32
    (B, L, 4): distances to left, top, right and bottom in strides of the level. fcos_centre: float32 (B, L): centre-ness in [0, 1],
    0 for background.
    """

    partners = 0

    def __str__(self) -> str:
        return "assign-boxes"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        image, boxes = batch["image"], batch["boxes"]
        assert isinstance(boxes, Ragged)
        assert isinstance(image, Padded | Tensor)
        block = image.values if isinstance(image, Padded) else image
        assert isinstance(block, Tensor)
        found, centre, side = self.targets(boxes, (block.shape[2], block.shape[3]), block.device)
        found = torch.where((found >= 0) | _inside(image, block), found, -2)
        return batch.with_columns(fcos_class=found, fcos_centre=centre, fcos_box=side)

    def targets(self, boxes: Ragged, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """(class, centre-ness, distances) for the boxes of B images padded to ``size``; of several fitting boxes the smallest wins."""
        points, levels = (torch.from_numpy(part).to(device) for part in grid(*size))
        stride = torch.tensor(STRIDES, dtype=torch.float32, device=device)[levels]
        reach = torch.tensor(REACH, dtype=torch.float32, device=device)[levels]
        rows = dense(boxes)  # (B, M, 7), missing ones have class -1
        corners, kinds, crowd = rows[..., :4], rows[..., 4].long(), rows[..., 5] > 0
        low = points[None, :, None] - corners[:, None, :, :2]  # (B, L, M, 2)
        high = corners[:, None, :, 2:] - points[None, :, None]
        sides = torch.cat([low, high], dim=-1)  # left, top, right, bottom
        inside = sides.amin(-1) > 0
        middle = (corners[..., :2] + corners[..., 2:]) / 2
        near = (points[None, :, None] - middle[:, None]).abs().amax(-1) < CENTRE * stride[None, :, None]
        furthest = sides.amax(-1)
        fits = (furthest > reach[None, :, None, 0]) & (furthest <= reach[None, :, None, 1])
        real = (kinds >= 0)[:, None] & ~crowd[:, None]
        area = (corners[..., 2] - corners[..., 0]) * (corners[..., 3] - corners[..., 1])
        area = torch.where(inside & near & fits & real, area[:, None], torch.inf)
        smallest, which = area.min(-1)
        positive = torch.isfinite(smallest)
        found = torch.where(positive, kinds.gather(1, which), -1)
        found = torch.where(~positive & (inside & crowd[:, None]).any(-1), -2, found)
        side = sides.gather(2, which[..., None, None].expand(-1, -1, 1, 4))[:, :, 0] / stride[None, :, None]
        side = torch.where(positive[..., None], side, 1.0)
        shorter = torch.minimum(side[..., :2], side[..., 2:]) / torch.maximum(side[..., :2], side[..., 2:])
        return found, torch.where(positive, shorter.prod(-1).sqrt(), 0.0), side


def _inside(image: Padded | Tensor, block: Tensor) -> Tensor:
    """bool (B, L): locations on the images themselves. Nothing is learnt beyond: how much is there depends on a batch's largest."""
    size = (block.shape[2], block.shape[3])
    sizes = (
        image.sizes if isinstance(image, Padded) else torch.tensor([size], device=block.device).expand(len(block), 2)
    )
    points = torch.from_numpy(grid(*size)[0]).to(block.device)
    return (points[None] < sizes.flip(1)[:, None]).all(-1)


def each_image(boxes: Ragged) -> tuple[Tensor, ...]:
    """The rows (n, 7) of each of B images."""
    found: tuple[Tensor, ...] = boxes.values.tensor_split(boxes.offsets[1:-1].cpu())
    return found


def dense(boxes: Ragged) -> Tensor:
    """(B, M, 7) with M ≥ 1 the most boxes of an image; rows that are not there have class -1 and no extent."""
    counts = boxes.offsets.diff()
    most = max(int(counts.max()), 1)
    rows = boxes.values.new_zeros(len(counts), most, 7)
    rows[..., 4] = -1
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    place = torch.arange(len(boxes.values), device=counts.device) - boxes.offsets[:-1].repeat_interleave(counts)
    rows[owner, place] = boxes.values
    return rows
