"""Images whose pixels only change places: mirrors, quarter turns and whole shifts, exact in every dtype.

Rows of the images are laid end to end with a margin, and each output row is one copy from there; a mirrored or turned
image is first added to the rows as a further source.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.geometry import Fill
from danlu.data.augment.indexed import move_indexed
from danlu.data.augment.layout import images, inside, planes
from danlu.data.augment.means import channel_means
from danlu.data.augment.sending import sent


def move(pixels: Tensor, inverse: np.ndarray, fill: Fill | float) -> Tensor:
    """(B, C, H, W) of one size through ``inverse`` (B, 2, 5), all :meth:`Geometry.exact`; dtype and memory order kept."""
    if pixels.device.type != "cpu":
        return move_indexed(pixels, inverse, fill)
    block = planes(pixels)
    _, plane, height, width, inner = block.shape
    orient, right, down = _parts(inverse)
    sources, slot = _oriented(block, orient)
    if fill == "reflect":  # which comes round: no margin needs to be wider than the image, however far a shift goes
        most, period = width - 1, max(1, 2 * (width - 1))
        right = np.where(np.abs(right) > most, np.mod(right + most, period) - most, right)
    else:  # further out, nothing changes
        right = np.clip(right, -width, width)
    margin = int(np.abs(right).max(initial=0))
    if not (margin or down.any() or orient[:, 2].any()):  # rows stay as they are: whole images are copied
        together = sources[0] if len(sources) == 1 else torch.cat(sources)
        return images(together.index_select(0, sent(slot, pixels.device)))
    rows = np.arange(height)[None, :] + down[:, None]
    rows[orient[:, 2]] = height - 1 - rows[orient[:, 2]]
    beyond = (rows < 0) | (rows >= height)
    empty = False
    if beyond.any():
        empty = fill not in ("reflect", "edge")
        rows = np.where(beyond, height, rows) if empty else fold(rows, height, fill)
    tall, wide = height + empty, width + 2 * margin
    if margin or empty:
        flat = _with_margin(sources, margin, empty, fill).view(-1)
    else:
        flat = (sources[0] if len(sources) == 1 else torch.cat(sources)).view(-1)
    start = (slot[:, None] * (plane * tall) + rows) * wide + margin + right[:, None]
    index = sent(start * inner, pixels.device)[:, None, :]
    index = index + torch.arange(plane, device=pixels.device)[:, None] * (tall * wide * inner)
    length = width * inner
    windows = flat.as_strided((max(1, flat.numel() - length + 1), length), (1, 1))
    return images(windows.index_select(0, index.reshape(-1)).view(len(inverse), plane, height, width, inner))


def _parts(inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """bool (B, 3): x and y swapped, x mirrored, y mirrored, in this order; int64 (B,) and (B,): the shift of reading.

    ``in(A·q + t) = turned(D·q + t')``: the swap is done first, then D mirrors and t' shifts.
    """
    a, t = inverse[:, :, :2], inverse[:, :, 2]
    swap = a[:, 0, 0] == 0
    x = np.where(swap, a[:, 1, 0], a[:, 0, 0]) < 0
    y = np.where(swap, a[:, 0, 1], a[:, 1, 1]) < 0
    right, down = np.where(swap, t[:, 1], t[:, 0]), np.where(swap, t[:, 0], t[:, 1])
    # A shift is read before the mirror: in mirrored coordinates it points the other way. The rows' own mirror is
    # applied to whole row numbers (height − 1 − row), the columns' by a mirrored source.
    right, down = np.where(x, -right, right), np.where(y, -down, down)
    return np.stack([swap, x, y], axis=1), np.rint(right).astype(np.int64), np.rint(down).astype(np.int64)


def _oriented(block: Tensor, orient: np.ndarray) -> tuple[list[Tensor], np.ndarray]:
    """Sources (b, P, H, W, I) of each orientation in use, and int64 (B,), the place of each sample among them all."""
    code = orient[:, 0] * 2 + orient[:, 1]
    sources: list[Tensor] = []
    slot = np.empty(len(code), dtype=np.int64)
    filled = 0
    for value in np.unique(code):
        rows = np.flatnonzero(code == value)
        part = block
        if len(rows) < len(code) and value:
            part = block.index_select(0, sent(rows, block.device))
        places = np.arange(len(rows)) if value or len(rows) == len(code) else rows
        if value & 2:
            part = part.transpose(2, 3)
        if value & 1:
            part = part.flip(3)
        sources.append(part.contiguous())
        slot[rows] = filled + places
        filled += len(part)
    return sources, slot


def _with_margin(sources: list[Tensor], margin: int, empty: bool, fill: Fill | float) -> Tensor:
    """The sources in one block (S, P, H or H + 1, W + 2·margin, I), filled left and right and, if ``empty``, in a
    last row.
    """
    _, plane, height, width, inner = sources[0].shape
    shape = (sum(map(len, sources)), plane, height + empty, width + 2 * margin, inner)
    constant = 0 if fill == "zero" else fill
    result = sources[0].new_empty(shape)
    if not isinstance(constant, str):
        result.fill_(constant)
    start = 0
    for source in sources:
        target = result[start : start + len(source)]
        start += len(source)
        body = target[:, :, :height]
        body[:, :, :, margin : margin + width] = source
        if fill == "mean":
            pixels = channel_means(images(source), None)
            mean = pixels[:, None, None, None, :, 0, 0] if inner > 1 else pixels[..., None]
            body[:, :, :, :margin], body[:, :, :, margin + width :] = mean, mean
            if empty:
                target[:, :, height:] = mean
        elif fill in ("reflect", "edge"):
            for begin in (-margin, width):
                columns = fold(np.arange(begin, begin + margin), width, fill)
                strip = source.index_select(3, sent(columns, source.device))
                body[:, :, :, begin + margin : begin + 2 * margin] = strip
    return result


def fold(index: np.ndarray, size: int, fill: Fill | float) -> np.ndarray:
    """int64 indices of any range brought into [0, size): mirrored about the outermost ones, or held at them."""
    if fill == "edge" or size == 1:
        index = np.clip(index, 0, size - 1)
    else:
        period = 2 * (size - 1)
        index = np.mod(index, period)
        index = np.minimum(index, period - index)
    return index


def move_padded(pixels: Tensor, own: Tensor, inverse: np.ndarray, fill: Fill | float) -> Tensor:
    """The same for images of many sizes in a padded block, each within its own size ``own`` int64 (B, 2); no quarter
    turns.
    """
    count, channels, height, width = pixels.shape
    orient, right, down = _parts(inverse)
    given = sent(np.stack([orient[:, 2], down, orient[:, 1], right], axis=1), pixels.device)
    size = own.to(pixels.device)
    y, off_y = _sources(given[:, 0], given[:, 1], size[:, 0], height, fill)
    x, off_x = _sources(given[:, 2], given[:, 3], size[:, 1], width, fill)
    offsets = torch.arange(count * channels, device=pixels.device).view(count, channels, 1) * height
    source = pixels.contiguous().view(-1, width).index_select(0, (offsets + y[:, None, :]).reshape(-1))
    if orient[:, 1].any() or right.any():
        source = source.view(count, channels, height, width)
        source = source.gather(3, x[:, None, None, :].expand(count, channels, height, width))
    result = source.view(count, channels, height, width)
    if right.any() or down.any():
        off = (off_y[:, None, :, None] | off_x[:, None, None, :]) & inside(size, height, width)
        if fill == "mean":
            value = channel_means(pixels, size)
            result = torch.where(off, value, result)
        elif fill not in ("reflect", "edge"):
            result = result.masked_fill(off, 0 if fill == "zero" else float(fill))
    if pixels.is_contiguous():
        return result
    return result.contiguous(memory_format=torch.channels_last)


def _sources(mirror: Tensor, shift: Tensor, size: Tensor, length: int, fill: Fill | float) -> tuple[Tensor, Tensor]:
    """int64 and bool (B, length): where each row (or column) is read, and whether that lies outside the image.

    Places beyond the image's own size stay where they are: they hold the padding's zeros.
    """
    place = torch.arange(length, device=size.device).expand(len(size), length)
    size = size[:, None]
    read = place + shift[:, None]
    read = torch.where(mirror[:, None] > 0, size - 1 - read, read)
    off = (read < 0) | (read >= size)
    if fill == "reflect":
        period = (2 * (size - 1)).clamp(min=1)
        read = read.remainder(period)
        read = torch.minimum(read, (period - read).abs())
    read = torch.minimum(read.clamp(min=0), size - 1)
    return torch.where(place < size, read, place), off
