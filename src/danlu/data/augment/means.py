"""Each image's own mean of each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from danlu.data.augment.layout import inside


def mean_of(pixels: Tensor, seen: Tensor | None) -> Tensor:
    """(b, C, 1, 1) of float (b, C, H, W); seen: bool (b, 1, H, W), outside of which the pixels are 0."""
    if seen is None:
        return pixels.mean((2, 3), keepdim=True)
    return pixels.sum((2, 3), keepdim=True) / seen.sum((2, 3), keepdim=True)


def channel_means(pixels: Tensor, sizes: Tensor | None) -> Tensor:
    """(B, C, 1, 1) in the pixels' own dtype, whole numbers rounded half to even; sizes: int64 (B, 2) of padded
    images.
    """
    if pixels.dtype.is_floating_point:
        return mean_of(pixels, None if sizes is None else inside(sizes, *pixels.shape[2:]))
    area = pixels.shape[2] * pixels.shape[3] if sizes is None else sizes.prod(1).view(-1, 1, 1, 1)
    total = pixels.sum((2, 3), keepdim=True, dtype=torch.int64)  # exact, and without a float copy of the images
    return (total / area).round_().to(pixels.dtype)
