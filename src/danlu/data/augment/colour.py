"""A change of pixel values of a whole batch, made in pieces that stay in a CPU's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.adjust import Adjustment
from danlu.data.augment.layout import chunks, inside, store
from danlu.data.augment.sending import sent
from danlu.data.batches.batch import Padded

Step = Callable[[Tensor, slice, Tensor | None], Tensor]
"""(pixels, which samples of the batch these are, seen) → pixels; as in :mod:`danlu.data.augment.adjust`."""


@dataclass(frozen=True)
class Adjust:
    """A step: to each sample one of some adjustments, or none.

    which: int (B,), index into ``choices``, −1 for none. strength: float (B,), the sample's own.
    """

    choices: Sequence[Adjustment]
    which: np.ndarray
    strength: np.ndarray

    def __call__(self, pixels: Tensor, some: slice, seen: Tensor | None) -> Tensor:
        which = self.which[some]
        order = np.argsort(which, kind="stable")
        sorted_ = bool((which[:-1] <= which[1:]).all())
        strength = sent(self.strength[some][order].astype(np.float32), pixels.device).view(-1, 1, 1, 1)
        if not sorted_:  # samples of one adjustment side by side, so that each is one call on a view
            there = sent(order, pixels.device)
            pixels = pixels.index_select(0, there)
            seen = None if seen is None else seen.index_select(0, there)
        ends = np.searchsorted(which[order], np.arange(len(self.choices) + 1))
        for adjust, start, end in zip(self.choices, ends[:-1], ends[1:], strict=True):
            if start < end:
                part = pixels[start:end]
                made = adjust(part, strength[start:end], None if seen is None else seen[start:end])
                if made is not part:
                    part.copy_(made)
        if not sorted_:
            pixels = pixels.index_select(0, sent(np.argsort(order, kind="stable"), pixels.device))
        return pixels


@dataclass(frozen=True)
class Change:
    """Steps for the images of one batch; what :meth:`danlu.data.kinds.base.Kind.recolour` is given.

    sizes: int64 (B, 2) where the images are of many sizes.
    """

    steps: Sequence[Step]
    sizes: Tensor | None = None

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) in 0–255, of the whole batch → new ones of the same dtype; whole numbers rounded half to even."""
        result = torch.empty_like(pixels)
        for some in chunks(pixels):
            part = pixels[some].to(torch.float32, memory_format=torch.contiguous_format, copy=True)
            seen = None if self.sizes is None else inside(self.sizes[some], *pixels.shape[2:])
            for step in self.steps:
                part = step(part, some, seen)
            if seen is not None:
                part = part * seen
            store(result[some], part)
        return result


def recolour_images(value: Tensor | Padded, change: Callable[[Tensor], Tensor]) -> Tensor | Padded:
    """Images (B, C, H, W), or of many sizes, after ``change``, such as a :class:`Change`; the padding stays as it is."""
    if isinstance(value, Padded):
        return Padded(change(value.values), value.sizes)
    return change(value)
