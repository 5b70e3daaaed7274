"""Dropout, chosen by device in one place."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PARTS = 1 << 16  # a share is rounded to so many parts of the whole


def drop(x: Tensor, share: float, training: bool = True) -> Tensor:
    """x with a ``share`` of its values zero and the others made larger, so that the mean stays; x itself where nothing is dropped.

    torch draws a double for each value on a CPU, which was a quarter of a Transformer's step (docs/performance.md). Here one word of
    torch's generator decides on four values. Elsewhere it is torch's own. The draws depend on the generator's seed alone, in both.
    """
    if not training or share <= 0:
        return x
    if x.device.type != "cpu" or share >= 1 or torch.compiler.is_compiling():
        return F.dropout(x, share)
    least = min(round(share * _PARTS), _PARTS - 1)
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    kept = words.view(torch.int16)[: x.numel()].view(x.shape) >= least - _PARTS // 2
    return x * kept.to(x.dtype).mul_(_PARTS / (_PARTS - least))


class Dropout(nn.Dropout):
    """torch's, with the draws of :func:`drop`."""

    def forward(self, x: Tensor) -> Tensor:
        return drop(x, self.p, self.training)
