"""Each image's own mean of each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from danlu.data.augment.layout import chunks, inside, store


def mean_of(pixels: Tensor, seen: Tensor | None) -> Tensor:
    """(b, C, 1, 1) of float (b, C, H, W); seen: bool (b, 1, H, W), outside of which the pixels are 0."""
    if seen is None:
        return pixels.mean((2, 3), keepdim=True)
    return pixels.sum((2, 3), keepdim=True) / seen.sum((2, 3), keepdim=True)


def channel_means(pixels: Tensor, sizes: Tensor | None) -> Tensor:
    """(B, C, 1, 1) in the pixels' own dtype, whole numbers rounded half to even; sizes: int64 (B, 2) of padded images."""
    result = pixels.new_empty(*pixels.shape[:2], 1, 1)
    for some in chunks(pixels):
        part = pixels[some].to(torch.float32, memory_format=torch.contiguous_format)
        store(result[some], mean_of(part, None if sizes is None else inside(sizes[some], *pixels.shape[2:])))
    return result
