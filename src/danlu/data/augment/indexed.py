"""The moves of :mod:`danlu.data.augment.moves` where starting an operation costs more than its work: few of them, for the whole batch.

What the host computes and sends is a few whole numbers a sample; where rows and columns are read is computed on the device. They are
gathered one after the other: a place for every pixel would take many times the memory of the images.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.geometry import Fill
from danlu.data.augment.layout import images, planes
from danlu.data.augment.means import channel_means
from danlu.data.augment.sending import sent


def move_indexed(pixels: Tensor, inverse: np.ndarray, fill: Fill | float) -> Tensor:
    """(B, C, H, W) of one size through ``inverse`` (B, 2, 5), all :meth:`Geometry.exact`; dtype and memory order kept."""
    _, _, height, width = pixels.shape
    steps = _steps(inverse, height, width)
    given = sent(steps, pixels.device)
    moved = planes(pixels)
    if steps[:, 4].any():  # only of squares
        moved = torch.where(given[:, 4, None, None, None, None] != 0, moved.transpose(2, 3), moved).contiguous()
    off: list[Tensor] = []
    for dim, size in ((2, height), (3, width)):
        sign, first = steps[:, dim - 2], steps[:, dim]
        if (sign > 0).all() and not first.any():
            continue
        read = given[:, dim - 2, None] * torch.arange(size, device=pixels.device) + given[:, dim, None]
        held = read
        if (first != np.where(sign > 0, 0, size - 1)).any():  # else it is a mirror, or nothing
            held = _held(read, size, fill)
            off.append((held != read)[:, None, :, None] if dim == 2 else (held != read)[:, None, None, :])
        index = held[:, None, :, None, None] if dim == 2 else held[:, None, None, :, None]
        moved = moved.gather(dim, index.expand_as(moved))
    found = images(moved)
    if not off or fill in ("reflect", "edge"):
        return found
    outside = off[0] | off[1] if len(off) == 2 else off[0]
    if fill == "mean":
        return torch.where(outside, channel_means(pixels, None), found)
    return found.masked_fill_(outside, 0 if fill == "zero" else float(fill))


def _steps(inverse: np.ndarray, height: int, width: int) -> np.ndarray:
    """int64 (B, 5) = (signs of y and x, first row and column, whether rows and columns are swapped).

    An output row y is the row sign·y + first of the image, of the swapped one where it is; so are columns.
    """
    ways = inverse[:, :, :2]
    swapped = ways[:, 0, 0] == 0
    middle = np.asarray([(width - 1) / 2, (height - 1) / 2])
    first = inverse[:, :, 2] + middle - ways[:, :, 0] * middle[0] - ways[:, :, 1] * middle[1]
    y = np.where(swapped, [ways[:, 0, 1], first[:, 0]], [ways[:, 1, 1], first[:, 1]])
    x = np.where(swapped, [ways[:, 1, 0], first[:, 1]], [ways[:, 0, 0], first[:, 0]])
    return np.rint([y[0], x[0], y[1], x[1], swapped]).astype(np.int64).T.copy()


def _held(place: Tensor, size: int, fill: Fill | float) -> Tensor:
    """Places of any range brought into [0, size): mirrored about the outermost ones, or held at them."""
    if fill == "reflect" and size > 1:
        period = 2 * (size - 1)
        place = place.remainder(period)
        return torch.minimum(place, period - place)
    return place.clamp(0, size - 1)
