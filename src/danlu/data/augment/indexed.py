"""The moves of :mod:`danlu.data.augment.moves` by one index of pixels: where starting an operation costs more than its work.

What the host computes and sends is a few whole numbers a sample; which pixel each pixel is read from is computed on the device.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.geometry import Fill
from danlu.data.augment.layout import images, planes
from danlu.data.augment.means import channel_means
from danlu.data.augment.sending import sent


def move_indexed(pixels: Tensor, inverse: np.ndarray, fill: Fill | float) -> Tensor:
    """(B, C, H, W) of one size through ``inverse`` (B, 2, 5), all :meth:`Geometry.exact`; dtype and memory order kept."""
    count, _, height, width = pixels.shape
    steps, turned = _steps(inverse, height, width)
    given = sent(steps, pixels.device).unbind(1)
    x, y = torch.arange(width, device=pixels.device), torch.arange(height, device=pixels.device)
    column, row = _read(given[:3], x, y, turned, True), _read(given[3:], x, y, turned, False)
    inside = not turned and _stays(steps, height, width)
    held = (column, row) if inside else (_held(column, width, fill), _held(row, height, fill))
    place = (held[1] * width + held[0]).expand(count, height, width).reshape(count, 1, height * width, 1)
    block = planes(pixels)
    flat = block.flatten(2, 3)
    moved = images(flat.gather(2, place.expand_as(flat)).view_as(block))
    if inside or fill in ("reflect", "edge"):
        return moved
    off = ((held[0] != column) | (held[1] != row)).expand(count, height, width)[:, None]
    if fill == "mean":
        return torch.where(off, channel_means(pixels, None), moved)
    return moved.masked_fill_(off, 0 if fill == "zero" else float(fill))


def _steps(inverse: np.ndarray, height: int, width: int) -> tuple[np.ndarray, bool]:
    """int32 (B, 6) = (a, b, k, c, d, l), and whether any image is turned by a quarter.

    A pixel is read from column a·x + b·y + k and row c·x + d·y + l, counted from 0.
    """
    ways = inverse[:, :, :2]
    middle = np.asarray([(width - 1) / 2, (height - 1) / 2])
    shift = inverse[:, :, 2] + middle - ways[:, :, 0] * middle[0] - ways[:, :, 1] * middle[1]
    found = np.concatenate([ways, shift[:, :, None]], axis=2)
    return np.rint(found).astype(np.int32).reshape(-1, 6), bool(ways[:, 0, 1].any())


def _stays(steps: np.ndarray, height: int, width: int) -> bool:
    """Whether every pixel is read from inside its image, where none is turned: there are only mirrors."""
    across, down = (
        steps[:, 2] - np.where(steps[:, 0] > 0, 0, width - 1),
        steps[:, 5] - np.where(steps[:, 4] > 0, 0, height - 1),
    )
    return not (across.any() or down.any())


def _read(given: Sequence[Tensor], x: Tensor, y: Tensor, turned: bool, columns: bool) -> Tensor:
    """int64 (B, 1, W) of columns or (B, H, 1) of rows, (B, H, W) where images are turned; given: three factors (B,)."""
    along, down, first = (each[:, None, None] for each in given)
    if turned:
        return along * x + down * y[:, None] + first
    return along * x + first if columns else down * y[:, None] + first


def _held(place: Tensor, size: int, fill: Fill | float) -> Tensor:
    """Places of any range brought into [0, size): mirrored about the outermost ones, or held at them."""
    if fill == "reflect" and size > 1:
        period = 2 * (size - 1)
        place = place.remainder(period)
        return torch.minimum(place, period - place)
    return place.clamp(0, size - 1)
