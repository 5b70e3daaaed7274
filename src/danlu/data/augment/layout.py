"""How a batch of images lies in memory, so that whole rows can be copied at once.

Prepared images are cached as (H, W, C) and arrive as (B, C, H, W) in channels-last order; others are contiguous. Both
are one contiguous block (B, P, H, W, I): P planes of I interleaved channels, with P·I = C.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

_CHUNK = 1 << 18  # float32 numbers worked on at once on a CPU: stays in the cache, and malloc reuses the memory


def interleaved(pixels: Tensor) -> bool:
    """Whether (B, C, H, W) lies in memory with its channels last."""
    return not pixels.is_contiguous() and pixels.is_contiguous(memory_format=torch.channels_last)


def planes(pixels: Tensor, inner: bool | None = None) -> Tensor:
    """(B, C, H, W) → contiguous (B, P, H, W, I), a view where the memory allows it. inner: channels last; None: as
    is.
    """
    if interleaved(pixels) if inner is None else inner:
        return pixels.permute(0, 2, 3, 1).contiguous().unsqueeze(1)
    return pixels.contiguous().unsqueeze(-1)


def images(block: Tensor) -> Tensor:
    """The inverse of :func:`planes`: (B, C, H, W) in the same memory."""
    if block.shape[4] > 1:
        return block.squeeze(1).permute(0, 3, 1, 2)
    return block.squeeze(-1)


def chunks(pixels: Tensor) -> Iterator[slice]:
    """Samples of (B, C, H, W) that are worked on together: few enough for the cache on a CPU, all at once elsewhere."""
    count = len(pixels)
    size = count
    if pixels.device.type == "cpu" and count:
        size = max(1, _CHUNK // max(1, pixels[0].numel()))
    for start in range(0, count, max(1, size)):
        yield slice(start, min(start + size, count))


def store(target: Tensor, pixels: Tensor) -> None:
    """Writes float ``pixels`` (changed in place) to ``target`` of any dtype; to whole numbers rounded half to even."""
    if not target.dtype.is_floating_point:
        pixels = pixels.round_()
    if interleaved(target) and not interleaved(pixels):
        for into, channel in zip(target.unbind(1), pixels.unbind(1), strict=True):  # half the time of one copy
            into.copy_(channel)
    else:
        target.copy_(pixels)


def inside(sizes: Tensor, height: int, width: int) -> Tensor:
    """bool (B, 1, height, width): which pixels of a padded block belong to the image; sizes int64 (B, 2)."""
    rows = torch.arange(height, device=sizes.device) < sizes[:, :1]
    columns = torch.arange(width, device=sizes.device) < sizes[:, 1:]
    return (rows[:, :, None] & columns[:, None, :])[:, None]
