"""Cross-entropy at hidden places."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.nn.terms.base import Term, known
from danlu.tasks.masked_lm.hiding import NOTHING


class Hidden(Term):
    """S = Σ over hidden tokens of -log p(token); C = hidden tokens."""

    def __init__(self) -> None:
        super().__init__("wanted")

    def count(self, batch: Batch) -> Tensor:
        wanted = batch[self.target]
        assert isinstance(wanted, Tensor)
        return known(wanted, NOTHING)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits, wanted = self.pick(outputs), batch[self.target]
        assert isinstance(wanted, Tensor)
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=NOTHING, reduction="sum")
