"""The loss of a span: cross-entropy of its first and of its last token, in each window of a text."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.answers import NONE, heads
from danlu.data.text import windows
from danlu.nn.terms.base import Term


class Span(Term):
    """S = Σ over windows of ½·(cross-entropy of the start + of the end); C = windows. Devlin et al. 2019, section 4.3.

    A window that does not hold the whole answer points at place 0, as all windows of a question without one do. target: the column of
    answers, passage: the one that they are parts of.
    """

    def __init__(self, target: str, passage: str, window: int, stride: int) -> None:
        super().__init__(target)
        self.passage, self.window, self.stride = passage, window, stride

    def _used(self, batch: Batch) -> Tensor:
        """bool (B, W)"""
        text = batch[self.passage]
        assert isinstance(text, Padded)
        which = torch.arange(text.values.shape[1], device=text.values.device)[None]
        used: Tensor = windows.used(text.sizes.reshape(-1, 1), which, self.window, self.stride)
        return used

    def count(self, batch: Batch) -> Tensor:
        return self._used(batch).sum(dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        used = self._used(batch)
        start, end = outputs["start"], outputs["end"]
        first, last = heads(batch[self.target])[:, None].unbind(2)  # (B, 1)
        at = torch.arange(used.shape[1], device=used.device)[None] * self.stride
        inside = (first != NONE) & (first >= at) & (last < at + self.window)
        total = torch.zeros((), dtype=torch.float32, device=used.device)
        for logits, token in ((start, first), (end, last)):
            aim = torch.where(inside, token - at + 1, 0)
            flat = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
            total = total + F.cross_entropy(flat[used], aim[used], reduction="sum")
        return total / 2
