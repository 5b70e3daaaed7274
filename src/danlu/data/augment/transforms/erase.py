"""A random rectangle painted over."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from danlu.data.augment.draws import Draws
from danlu.data.augment.means import channel_means
from danlu.data.augment.parts import Covering
from danlu.data.augment.rectangles import fitting, overlay, spans
from danlu.data.augment.sending import sent
from danlu.messages import say
from danlu.randomness import bits, key_of

_NOISE = 1 << 18  # bytes
_STRIDE = 162_023  # _NOISE over the golden ratio, and prime to it: multiples spread evenly


class Erase(Covering):
    """Random erasing (Zhong et al. 2017): with probability ``p`` one rectangle of the image is painted over.

    smallest, largest: its share of the image's area, uniform between them. ratio: its aspect, as compared to the
    image's own, is 1/ratio to ratio, uniformly on the logarithm. fill: the image's mean of each channel, zero, or
    random values from 0 to 255 for each pixel and channel.
    """

    def __init__(
        self,
        p: Annotated[float, Field(gt=0, le=1)] = 0.5,
        fill: Literal["mean", "zero", "random"] = "mean",
        smallest: Annotated[float, Field(gt=0, lt=1)] = 0.02,
        largest: Annotated[float, Field(gt=0, lt=1)] = 0.33,
        ratio: Annotated[float, Field(ge=1, le=10)] = 10 / 3,
    ) -> None:
        if smallest > largest:
            raise ValueError(say("augment.erase.sizes", smallest=smallest, largest=largest))
        self.p, self.fill, self.ratio = p, fill, ratio
        self.smallest, self.largest = smallest, largest

    def cover(self, pixels: Tensor, sizes: Tensor | None, draws: Draws) -> Tensor:
        width, height = fitting(draws, self.smallest, self.largest, self.ratio)
        chosen = draws.chance("p", self.p)
        shares = np.stack([height * chosen, width * chosen, *draws.uniform("place", 2).T], axis=1)
        given = sent(shares.astype(np.float32), pixels.device)
        size = sent(np.array(pixels.shape[2:]), pixels.device).expand(len(pixels), 2) if sizes is None else sizes
        length = (given[:, :2] * size).round_()
        # At least one pixel of a rectangle that is there at all; a product rounded up to the end is brought back.
        length = torch.where(given[:, :2] > 0, length.clamp(min=1), length)
        free = size - length
        start = torch.minimum((given[:, 2:] * (free + 1)).floor_(), free)
        rows, columns = (spans(start[:, side], length[:, side], pixels.shape[2 + side]) for side in (0, 1))
        return overlay(pixels, self._paint(pixels, sizes, draws), rows, columns)

    def _paint(self, pixels: Tensor, sizes: Tensor | None, draws: Draws) -> Tensor:
        if self.fill == "zero":
            return pixels.new_zeros(1, 1, 1, 1).expand(*pixels.shape[:2], 1, 1)
        if self.fill == "mean":
            return channel_means(pixels, sizes)
        count, channels, height, width = pixels.shape
        length = width * channels
        noise = sent(_noise(draws.at.seed, draws.purpose, _NOISE + length), pixels.device)
        # Row by row from places far apart, channels last: neither the padding of images of many sizes nor the memory
        # order of the batch enters the draw.
        start = draws.uniform("noise") * _NOISE + _STRIDE * np.arange(height)
        index = sent(start.astype(np.int64) % _NOISE, pixels.device)
        cut = noise.as_strided((_NOISE, length), (1, 1)).index_select(0, index.view(-1))
        return cut.view(count, height, width, channels).permute(0, 3, 1, 2).to(pixels.dtype)


@lru_cache(maxsize=4)
def _noise(seed: int, purpose: str, count: int) -> np.ndarray:
    """uint8 (count,): bytes that all samples' noise is cut from, each at an offset of its own."""
    keys = np.asarray([key_of("noise")], dtype=np.uint64)
    drawn: np.ndarray = bits(seed, f"{purpose}/paint", 0, keys, -(-count // 8))[0].view(np.uint8)[:count].copy()
    return drawn
