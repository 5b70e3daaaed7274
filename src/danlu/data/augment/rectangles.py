"""Rectangles of images painted over or exchanged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.draws import Draws
from danlu.data.augment.layout import chunks, images, interleaved, planes

_TRIES = 10
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def fitting(draws: Draws, smallest: float, largest: float, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """float64 (B,) and (B,): width and height, in shares of the image's, of the first of ten drawn rectangles that
    fits.

    Area uniform in [``smallest``, ``largest``] of the image's, aspect log-uniform in [1/``ratio``, ``ratio``]; 0 and
    0 where none fits.
    """
    drawn = draws.uniform("rectangle", 2 * _TRIES)
    area = smallest + (largest - smallest) * drawn[:, :_TRIES]
    aspect = ratio ** (2 * drawn[:, _TRIES:] - 1)
    width, height = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (width <= 1) & (height <= 1)
    first = fits.argmax(1)[:, None]
    width, height = (np.take_along_axis(np.where(fits, side, 0.0), first, 1)[:, 0] for side in (width, height))
    return width, height


def spans(start: Tensor, length: Tensor, size: int) -> Tensor:
    """bool (B, size): True in [start, start + length); start and length (B,), whole numbers."""
    place = torch.arange(size, device=start.device)
    return (place >= start[:, None]) & (place < (start + length)[:, None])


def overlay(pixels: Tensor, other: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``other`` where bool ``rows`` (B, H) and ``columns`` (B, W) meet, else ``pixels`` (B, C, H, W).

    other: same dtype, (B, C, H, W) or (B, C, 1, 1). The choice is made on the bits, exact for every dtype; on CPUs it
    is many times faster than ``torch.where``.
    """
    bits = _BITS[pixels.element_size()]
    inner = interleaved(pixels)
    block = planes(pixels, inner).view(bits)
    width, channels = block.shape[3:]
    over = planes(other.expand(-1, -1, -1, width) if other.shape[3] == 1 else other, inner).view(bits)
    flat, over = block.flatten(3), over.flatten(3)
    rows, columns = rows.to(bits).neg_(), columns.to(bits).neg_().repeat_interleave(channels, dim=1)
    result = torch.empty_like(flat)
    for some in chunks(pixels):
        mask = (rows[some, :, None] & columns[some, None, :])[:, None]
        part = torch.bitwise_xor(flat[some], over[some], out=result[some])
        part &= mask
        part ^= flat[some]
    return images(result.view(block.shape).view(pixels.dtype))
