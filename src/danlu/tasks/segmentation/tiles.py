"""Images larger than the net's, at their own scale: overlapping tiles, whose logits are blended. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.kinds.base import Kind
from danlu.tasks.decoding import Pieces


class Tiles(Pieces):
    """Tiles of ``side`` pixels. overlap: share of a tile that its neighbour covers at least.

    A pixel's logits are the mean over the tiles that hold it, each weighted by how far the pixel lies from that tile's edge (a pyramid
    of 1 at the edge), so that there are no seams.
    """

    def __init__(self, kind: Kind, side: int, overlap: float) -> None:
        spec = kind.spec()
        self._size = (spec["height"], spec["width"])
        fixed = None not in self._size
        self.side = (spec["height"], spec["width"]) if fixed else (side, side)
        self.overlap = overlap
        self.kinds = {
            kind.name: type(kind)(**{**spec, "height": None, "width": None, "longest": None, "stored": "decoded"})
        }

    def wanted(self, values: Mapping[str, np.ndarray]) -> bool:
        high, wide = values["image"].shape[:2]
        return bool(high > self.side[0] or wide > self.side[1])

    def cut(self, values: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        image = values["image"]
        short = [max(0, least - have) for least, have in zip(self.side, image.shape[:2], strict=True)]
        if any(
            short
        ):  # narrower than a tile: black at the right and bottom, as of an image that was padded in training
            image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)))
        high, wide = self.side
        return [
            {"image": np.ascontiguousarray(image[y : y + high, x : x + wide])} for y, x in self._places(image.shape)
        ]

    def join(self, outputs: Sequence[Any], values: Mapping[str, np.ndarray]) -> Any:
        high, wide = values["image"].shape[:2]
        whole = (max(high, self.side[0]), max(wide, self.side[1]))
        weight = np.minimum.outer(_ramp(self.side[0]), _ramp(self.side[1]))
        total = np.zeros((len(outputs[0]), *whole), np.float32)
        share = np.zeros(whole, np.float32)
        for logits, (y, x) in zip(outputs, self._places(whole), strict=True):
            at = (slice(y, y + self.side[0]), slice(x, x + self.side[1]))
            total[(slice(None), *at)] += np.asarray(logits, np.float32) * weight
            share[at] += weight
        return (total / share)[:, :high, :wide]

    def _places(self, size: Sequence[int]) -> list[tuple[int, int]]:
        """(top, left) of the tiles: evenly spread, the first and the last at the edges."""
        starts = [_starts(size[axis], self.side[axis], self.overlap) for axis in range(2)]
        return [(y, x) for y in starts[0] for x in starts[1]]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    if length <= side:
        return [0]
    step = max(1, int(side * (1 - overlap)))
    count = -(-(length - side) // step) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def _ramp(side: int) -> np.ndarray:
    """float32 (side,): 1 at the ends, one more with each pixel."""
    places = np.arange(side)
    return np.minimum(places, places[::-1]).astype(np.float32) + 1
