"""Dropout, chosen by device in one place."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PARTS = 1 << 16  # a share is rounded to so many parts of the whole
_MANY = 1 << 12  # words from which on it pays to set up another generator


def drop(x: Tensor, share: float, training: bool = True) -> Tensor:
    """x with a ``share`` of its values zero and the others made larger, so that the mean stays; x itself where nothing is dropped.

    torch draws a double for each value on a CPU, which was a quarter of a Transformer's step (docs/performance.md). Here one word of
    64 bits decides on four values. Elsewhere it is torch's own. The draws depend on the generator's seed alone, in both.
    """
    if not training or share <= 0:
        return x
    if x.device.type != "cpu" or share >= 1 or torch.compiler.is_compiling():
        return F.dropout(x, share)
    floor, scale = least(share)
    return x * (kept(x.numel()).view(x.shape) >= floor).to(x.dtype).mul_(scale)


def kept(count: int) -> Tensor:
    """int16 (count,), even over all its numbers: a value is kept where its own is not below what :func:`least` says.

    Drawn by torch's generator where they are few; of many it draws the seed of a generator that is four times as fast.
    """
    words = (count + 3) // 4
    if words < _MANY:
        drawn = torch.empty(words, dtype=torch.int64).random_(-(2**63), None)
    else:
        seed = int(torch.empty((), dtype=torch.int64).random_())
        drawn = torch.from_numpy(np.random.SFC64(seed).random_raw(words).view(np.int64))
    return drawn.view(torch.int16)[:count]


def least(share: float) -> tuple[int, float]:
    """(the least int16 of a value that is kept, what it is made larger by) where ``share`` in [0, 1) is dropped."""
    parts = min(round(share * _PARTS), _PARTS - 1)
    return parts - _PARTS // 2, _PARTS / (_PARTS - parts)


class Dropout(nn.Dropout):
    """torch's, with the draws of :func:`drop`."""

    def forward(self, x: Tensor) -> Tensor:
        return drop(x, self.p, self.training)
