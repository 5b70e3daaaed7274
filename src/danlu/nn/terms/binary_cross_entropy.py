"""Binary cross entropy: one yes-or-no answer, or many independent ones (multi-label)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._binary import answers, known
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BinaryCrossEntropy(Term):
    """-y·log σ(logit) - (1 - y)·log(1 - σ(logit)), as ``torch.nn.BCEWithLogitsLoss``.

    logits and target of one shape, (B,) or multi-label (B, K); the target 0 or 1, or anything between. Answers that are
    -1 or NaN are unknown: they add nothing and count 0.
    pos_weight: how much a yes weighs, one number or one for each of K; the count stays the number of answers.
    Raises RecipeError where the shapes differ, (B, 1) beside (B,) included.
    """

    pos_weight: Tensor | None

    def __init__(
        self, target: str, output: str | None = None, *, pos_weight: Weight | Sequence[Weight] | None = None
    ) -> None:
        super().__init__(target, output)
        weight = None if pos_weight is None else torch.tensor(pos_weight, dtype=torch.float64)
        self.register_buffer("pos_weight", weight, persistent=False)

    def count(self, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        return known(target).sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        logits, target, there = answers(self, self.pick(outputs), target)
        weight = None if self.pos_weight is None else self.pos_weight.to(logits.dtype)
        loss = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="none")
        return torch.where(there, loss, 0.0).sum()
