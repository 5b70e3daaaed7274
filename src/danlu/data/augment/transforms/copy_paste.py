"""Objects of another image pasted in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.draws import Draws
from danlu.data.augment.pasting import Pieces, partners_of, paste
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.randomness import Position


class CopyPaste(BatchTransform):
    """Up to ``most`` objects of a partner, as the rectangles of their boxes, copied to random places (Dwibedi et al. 2017).

    Crowds, and what doesn't fit into the image, are not copied. An object covered by more than the share ``covered`` is left out
    with its box; one that is covered less keeps its box. The partner is another training sample, by hash; ``p`` of the samples are
    changed at all.
    """

    partners = 1

    def __init__(
        self,
        p: Annotated[float, Field(gt=0, le=1)] = 0.5,
        most: Annotated[int, Field(ge=1, le=20)] = 3,
        covered: Annotated[float, Field(gt=0, le=1)] = 0.5,
    ) -> None:
        self.p, self.most, self.covered = p, most, covered

    def __str__(self) -> str:
        return "copy-paste"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return partners_of(Draws(at, "augment/copy-paste", keys), rows, self.partners)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        pieces = Pieces.of(batch, kinds, self.partners, str(self))
        count = len(batch)
        draws = Draws(at, "augment/copy-paste", batch.keys[:count])
        asked = draws.chance("p", self.p)
        place = draws.uniform("place", 2 * self.most)
        size = pieces.sizes[0, :, ::-1]
        pixels = pieces.images[0]
        boxes = [pieces.boxes[0]]
        given, owner = (part.cpu().numpy() for part in pieces.boxes[1])
        starts = np.searchsorted(owner, np.arange(count + 1))
        for number in range(self.most):
            there = asked & (starts[:-1] + number < starts[1:])
            if not there.any():
                break
            rows = given[np.where(there, starts[:-1] + number, 0)]
            inner = np.floor(rows[:, :2])
            extent = np.ceil(rows[:, 2:4]) - inner
            there &= (rows[:, 5] == 0) & (extent <= size).all(1)
            corner = np.floor(place[:, 2 * number : 2 * number + 2] * (size - extent + 1))
            offset = corner - inner
            rectangle = np.where(there[:, None], np.concatenate([corner, corner + extent], axis=1), 0)
            pixels = paste(pixels, pieces.images[1], rectangle, np.ones(count), np.where(there[:, None], offset, 0))
            boxes = [_uncovered(part, rectangle, self.covered) for part in boxes]
            pasted = rows[there]
            pasted[:, :4] += np.tile(offset[there], 2)
            device = boxes[0][0].device
            boxes.append((torch.from_numpy(pasted).to(device), torch.from_numpy(np.flatnonzero(there)).to(device)))
        return pieces.batch(batch, pixels, boxes)


def _uncovered(boxes: tuple[Tensor, Tensor], rectangle: np.ndarray, most: float) -> tuple[Tensor, Tensor]:
    """Boxes of which at most the share ``most`` lies under their image's rectangle."""
    rows, sample = boxes
    over = torch.from_numpy(rectangle.astype(np.float32)).to(rows.device)[sample]
    low, high = torch.maximum(rows[:, :2], over[:, :2]), torch.minimum(rows[:, 2:4], over[:, 2:])
    share = (high - low).clamp(min=0).prod(1) / (rows[:, 2:4] - rows[:, :2]).prod(1)
    keep = share <= most
    return rows[keep], sample[keep]
