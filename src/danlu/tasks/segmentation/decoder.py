"""Logits of pixels → a mask, and what a person is told of it. No torch."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.images.palette import indexed
from danlu.data.kinds.base import Framing, Kind
from danlu.data.kinds.mask import IGNORED
from danlu.tasks.decoding import Decoder, Given, Pieces
from danlu.tasks.segmentation.tiles import Tiles


class MaskDecoder(Decoder):
    """Outputs (B, K, H, W) → ``mask``: uint8 (B, H, W), or B arrays (h, w) where images are of many sizes; places in ``classes``.

    tile: side of the tiles in which larger images are answered; None: they are resized as in training. overlap: share of a tile.
    """

    def __init__(self, classes: Sequence[str], tile: int | None = None, overlap: float = 0.25) -> None:
        self.classes = tuple(classes)
        self.tile, self.overlap = tile, overlap

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        classes: tuple[str, ...] = kinds["mask"].classes  # type: ignore[attr-defined]
        if options["large"] != "tile":
            return cls(classes)
        height, width, _ = kinds["image"].storage().shape
        return cls(
            classes, options["tile"] or (512 if -1 in (height, width) else max(height, width)), options["overlap"]
        )

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "tile": self.tile, "overlap": self.overlap}

    def pieces(self, kinds: Mapping[str, Kind]) -> Pieces | None:
        return None if self.tile is None else Tiles(kinds["image"], self.tile, self.overlap)

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        mask = np.asarray(outputs).argmax(axis=1).astype(np.uint8)
        given = inputs["image"]
        if not isinstance(given, tuple):
            return {"mask": mask}
        sizes = np.asarray(given[1]).tolist()
        return {"mask": [each[:high, :wide].copy() for each, (high, wide) in zip(mask, sizes, strict=True)]}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"size": [height, width], "classes": {name: {"pixels", "share"}} of those found, "mask": a palette PNG in base64}.

        All in pixels of the image that was given; 255 where it was cut away before the net saw it. :func:`mask_of` reads the PNG.
        """
        mask = _back(np.asarray(predictions["mask"][index]), framing)
        counts = np.bincount(mask.reshape(-1), minlength=256)[: len(self.classes)]
        whole = max(1, int(counts.sum()))
        found = {
            name: {"pixels": int(count), "share": round(int(count) / whole, 6)}
            for name, count in zip(self.classes, counts, strict=True)
            if count
        }
        png = base64.b64encode(indexed(mask, len(self.classes))).decode("ascii")
        return {"size": list(mask.shape), "classes": found, "mask": png}


def mask_of(answer: Mapping[str, Any]) -> np.ndarray:
    """uint8 (H, W): the mask of an answer, places in the classes, 255 where there is none."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(answer["mask"])), formats=("PNG",)) as image:
        return np.array(image)


def _back(mask: np.ndarray, framing: Framing | None) -> np.ndarray:
    """The mask of the raw image: of each of its pixels the one of the prepared image in which its middle lies."""
    if framing is None or (framing.raw == framing.size == mask.shape and framing.scale == (1.0, 1.0)):
        return mask
    rows, columns = (
        np.floor((np.arange(count) + 0.5) * scale + shift).astype(np.int64)
        for count, scale, shift in zip(framing.raw, framing.scale[::-1], framing.shift[::-1], strict=True)
    )
    high, wide = mask.shape
    inside = ((rows >= 0) & (rows < high))[:, None] & ((columns >= 0) & (columns < wide))
    made = mask[rows.clip(0, high - 1)][:, columns.clip(0, wide - 1)]
    return np.where(inside, made, np.uint8(IGNORED))
