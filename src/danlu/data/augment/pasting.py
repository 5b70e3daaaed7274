"""Parts of images and their boxes put onto others: what mosaic and copy-paste share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Geometry
from danlu.data.augment.sending import sent
from danlu.data.augment.warp import warp_images
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.base import Kind
from danlu.errors import RecipeError
from danlu.messages import say


@dataclass(frozen=True)
class Pieces:
    """A batch with partners taken apart. images: (1 + P) blocks (B, C, H, W). sizes: int64 (1 + P, B, 2), height and width.

    boxes: (1 + P) pairs (rows (n, 7), int64 sample (n,)).
    """

    image: str
    column: str
    images: Sequence[Tensor]
    sizes: np.ndarray
    boxes: Sequence[tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, batch: Batch, kinds: Mapping[str, Kind], partners: int, name: str) -> Pieces:
        """Raises RecipeError where the columns aren't images with boxes alone."""
        columns = {kinds[column].name if column in kinds else column: column for column in batch.columns}
        if set(columns) != {"image", "boxes"} or len(batch.columns) != 2:
            raise RecipeError.of("data.augment", say("augment.boxes-only", name=name), say("augment.boxes-only.remedy"))
        if batch.partners != partners:
            raise ValueError(f"{name} needs batches with {partners} partners a sample, not {batch.partners}")
        count = len(batch)
        value, boxes = batch[columns["image"]], batch[columns["boxes"]]
        assert isinstance(value, Tensor | Padded)
        assert isinstance(boxes, Ragged)
        block = value.values if isinstance(value, Padded) else value
        if isinstance(value, Padded):
            sizes = value.sizes.cpu().numpy()
        else:
            sizes = np.tile(np.asarray(block.shape[2:], np.int64), (len(block), 1))
        rows, offsets = boxes
        owner = torch.repeat_interleave(
            torch.arange(len(block), device=rows.device), offsets.diff(), output_size=len(rows)
        )
        each = owner // count
        parts = [(rows[each == k], owner[each == k] - k * count) for k in range(1 + partners)]
        images = [block[k * count : (k + 1) * count] for k in range(1 + partners)]
        return cls(columns["image"], columns["boxes"], images, sizes.reshape(1 + partners, count, 2), parts)

    def batch(self, batch: Batch, pixels: Tensor, boxes: Sequence[tuple[Tensor, Tensor]]) -> Batch:
        """The batch without its partners, of the samples' own sizes; boxes in the order given."""
        count = len(batch)
        old = batch[self.image]
        image = Padded(pixels, old.sizes[:count]) if isinstance(old, Padded) else pixels
        columns = {self.image: image, self.column: together(boxes, count)}
        return replace(batch, columns=columns, rows=batch.rows[:count], keys=batch.keys[:count], partners=0)


def partners_of(draws: Draws, rows: np.ndarray, count: int) -> np.ndarray:
    """int64 (count, B): any of the training ``rows`` for each sample, equally likely, by hash of its key and the epoch."""
    drawn = draws.uniform("partner", count)
    picked: np.ndarray = rows[(drawn * len(rows)).astype(np.int64)].T
    return picked


def paste(target: Tensor, source: Tensor, rectangle: np.ndarray, factor: np.ndarray, offset: np.ndarray) -> Tensor:
    """``target`` with ``factor``·``source`` + ``offset`` inside ``rectangle``; images (B, C, H, W), continuous coordinates.

    rectangle: whole numbers (B, 4): x1, y1, x2, y2; empty where nothing is pasted. offset: float (B, 2), x and y. Where factor is 1
    and offsets are whole, pixels are copied bit for bit.
    """
    height, width = target.shape[2:]
    half = np.asarray([width, height]) / 2
    inverse = np.zeros((len(target), 2, 5))
    inverse[:, 0, 0] = inverse[:, 1, 1] = 1 / factor
    inverse[:, :, 2] = (half - offset) / factor[:, None] - half
    moved = warp_images(source, Geometry(inverse, (height, width), "zero"))
    assert isinstance(moved, Tensor)
    edges = sent(rectangle.astype(np.int64), target.device)[:, :, None]
    across, down = (torch.arange(size, device=target.device) for size in (width, height))
    columns = (across >= edges[:, 0]) & (across < edges[:, 2])
    rows = (down >= edges[:, 1]) & (down < edges[:, 3])
    return torch.where((rows[:, :, None] & columns[:, None, :])[:, None], moved, target)


def moved(
    boxes: tuple[Tensor, Tensor], rectangle: np.ndarray, factor: np.ndarray, offset: np.ndarray, visible: float
) -> tuple[Tensor, Tensor]:
    """The same map for boxes, clipped to the rectangle; those of which less than the share ``visible`` remains are left out."""
    rows, sample = boxes
    grown = sent(factor.astype(np.float32), rows.device)[sample][:, None]
    shift = sent(np.tile(offset, 2).astype(np.float32), rows.device)[sample]
    edges = sent(rectangle.astype(np.float32), rows.device)[sample]
    whole = rows[:, :4] * grown + shift
    low = torch.maximum(whole[:, :2], edges[:, :2])
    high = torch.minimum(whole[:, 2:], edges[:, 2:])
    left = (high - low).clamp(min=0).prod(1)
    share = left / (whole[:, 2:] - whole[:, :2]).prod(1).clamp(min=torch.finfo(rows.dtype).tiny)
    keep = (share > 0) & (share >= visible)
    area = rows[:, 6:7] * grown**2 * share[:, None]
    return torch.cat([low, high, rows[:, 4:6], area], 1)[keep], sample[keep]


def together(boxes: Sequence[tuple[Tensor, Tensor]], count: int) -> Ragged:
    """All boxes by sample, within a sample in the order given."""
    rows, sample = (torch.cat([part[place] for part in boxes]) for place in (0, 1))
    order = torch.argsort(sample, stable=True)
    ends = torch.bincount(sample, minlength=count).cumsum(0)
    return Ragged(rows[order], torch.cat([ends.new_zeros(1), ends]))
