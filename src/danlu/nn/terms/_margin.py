"""What the margin losses share: cosines to class centres beside labels, of which some classes may have no centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.messages import say
from danlu.nn.terms._shapes import misfit
from danlu.nn.terms.base import Term


class Margin(Term):
    """-log softmax(scale·c)[label], where the cosine of the true class was made smaller by a margin.

    Cosines (B, K) beside labels int64 (B,). centres: which class each of the K columns stands for; None: column k is class k. A sample
    of any other class (an identity that is not learnt, an unknown one) adds nothing and counts 0.
    """

    _column: Tensor

    def __init__(self, target: str, output: str | None, scale: float, centres: Sequence[int] | None) -> None:
        super().__init__(target, output)
        self.scale = scale
        column: Sequence[int] | None = None
        if centres is not None:
            known = list(centres)
            column = [-1] * (max(known, default=-1) + 1)
            for place, label in enumerate(known):
                column[label] = place
        self.register_buffer("_column", torch.tensor(column or [], dtype=torch.int64), persistent=False)
        self.all = centres is None

    def lowered(self, cosine: Tensor) -> Tensor:
        """What stands for the cosine (B,) between a sample and its own class's centre."""
        raise NotImplementedError

    def count(self, batch: Any) -> Tensor:
        target: Tensor = batch[self.target]
        if target.is_floating_point():
            raise misfit(type(self).__name__, self.target, target, target, say("margin.mixed"))
        known: Tensor = (self._columns(target) >= 0).sum(dtype=torch.float64)
        return known

    def forward(self, outputs: Any, batch: Any) -> Tensor:
        cosine, target = self.pick(outputs), batch[self.target]
        if cosine.ndim != 2 or target.shape != cosine.shape[:1]:
            raise misfit(type(self).__name__, self.target, cosine, target, say("margin.remedy"))
        label = self._columns(target)
        own = cosine.gather(1, label.clamp_min(0)[:, None])
        logits = cosine.scatter(1, label.clamp_min(0)[:, None], self.lowered(own.squeeze(1))[:, None])
        return F.cross_entropy(self.scale * logits, label, ignore_index=-1, reduction="sum")

    def _columns(self, target: Tensor) -> Tensor:
        """int64 (B,): the column of each label, -1 where there is none."""
        if self.all:
            return target.clamp_min(-1)
        inside = (target >= 0) & (target < len(self._column))
        return torch.where(inside, self._column[torch.where(inside, target, 0)], -1)
