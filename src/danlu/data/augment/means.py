"""Each image's own mean of each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from danlu.data.augment.layout import chunks, inside, store


def precise(device: torch.device) -> torch.dtype:
    """float64 where the device has it: sums whose order of addition (which may change with the batch) can't be seen."""
    return torch.float32 if device.type == "mps" else torch.float64


def mean_of(pixels: Tensor, seen: Tensor | None) -> Tensor:
    """(b, C, 1, 1) of float (b, C, H, W); seen: bool (b, 1, H, W), outside of which the pixels are 0."""
    total = pixels.sum((2, 3), keepdim=True, dtype=precise(pixels.device))
    area = pixels.shape[2] * pixels.shape[3] if seen is None else seen.sum((2, 3), keepdim=True)
    return (total / area).to(pixels.dtype)


def channel_means(pixels: Tensor, sizes: Tensor | None) -> Tensor:
    """(B, C, 1, 1) in the pixels' own dtype, whole numbers rounded half to even; sizes: int64 (B, 2) of padded images."""
    result = pixels.new_empty(*pixels.shape[:2], 1, 1)
    for some in chunks(pixels):
        part = pixels[some].to(torch.float32, memory_format=torch.contiguous_format)
        store(result[some], mean_of(part, None if sizes is None else inside(sizes[some], *pixels.shape[2:])))
    return result
