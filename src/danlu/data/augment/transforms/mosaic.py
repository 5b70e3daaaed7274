"""Four images in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.draws import Draws
from danlu.data.augment.pasting import Pieces, moved, partners_of, paste
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.randomness import Position


class Mosaic(BatchTransform):
    """A sample and three partners in the quarters of one image, with their boxes (Bochkovskiy et al. 2020, "YOLOv4").

    The quarters meet at a point between 0.3 and 0.7 of the image's sides. Each shows its image at a scale between ``smallest`` and 1,
    as much of it as fits, at a random place; boxes are cut at the quarters' edges, and left out where less than a fifth remains.
    Partners are other training samples, by hash; ``p`` of the samples are mixed at all. An image keeps its size.
    """

    partners = 3

    def __init__(
        self,
        p: Annotated[float, Field(gt=0, le=1)] = 0.5,
        smallest: Annotated[float, Field(gt=0.1, le=1)] = 0.5,
        visible: Annotated[float, Field(ge=0, le=1)] = 0.2,
    ) -> None:
        self.p, self.smallest, self.visible = p, smallest, visible

    def __str__(self) -> str:
        return "mosaic"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return partners_of(Draws(at, "augment/mosaic", keys), rows, self.partners)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        pieces = Pieces.of(batch, kinds, self.partners, str(self))
        draws = Draws(at, "augment/mosaic", batch.keys[: len(batch)])
        alone = ~draws.chance("p", self.p)
        size = pieces.sizes[0, :, ::-1]  # (B, 2), width and height
        point = np.rint(size * (0.3 + 0.4 * draws.uniform("point", 2))).astype(np.int64)
        factor = self.smallest + (1 - self.smallest) * draws.uniform("scale", 4)
        place = draws.uniform("place", 8)
        pixels, boxes = torch.zeros_like(pieces.images[0]), []
        for quarter in range(4):
            right, below = quarter % 2, quarter // 2
            rectangle = np.concatenate(
                [point * (right, below), np.where((right, below), size, point)], axis=1
            )  # the first quarter is at the upper left
            rectangle[alone] = 0
            grown = np.where(alone, 1.0, factor[:, quarter])
            inner = rectangle[:, 2:] - grown[:, None] * pieces.sizes[quarter, :, ::-1]
            u = place[:, 2 * quarter : 2 * quarter + 2]
            offset = np.rint(rectangle[:, :2] * (1 - u) + inner * u)
            if not quarter:
                rectangle[alone, 2:], offset[alone] = size[alone], 0
            pixels = paste(pixels, pieces.images[quarter], rectangle, grown, offset)
            boxes.append(moved(pieces.boxes[quarter], rectangle, grown, offset, self.visible))
        return pieces.batch(batch, pixels, boxes)
