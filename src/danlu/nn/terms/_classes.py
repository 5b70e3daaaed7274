"""What the terms of a classification share: class weights, adjusted logits, ignored labels, and how much a sample counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from danlu.nn.terms._shapes import classes_in_front
from danlu.nn.terms.base import Term, known


class Classes(Term):
    """Exclusive classes: logits (B, K, …) beside labels (B, …), or beside probabilities (B, K, …) after mixing.

    class_weights: one number for each class, ≥ 0. ignore: the label that adds nothing and counts 0; a row of
    probabilities that sums to less than 1 counts that much less. logit_offsets: one number for each class, added to its logit
    before anything else is computed: the logarithms of the classes' shares are the logit adjustment of Menon et al. (2021). The net's
    own outputs, and with them every prediction, stay as they are.

    The count is Σ weight[label]: the mean is torch's weighted mean. For probabilities it is Σ weight·probability, which
    equals it where rows are one-hot. (There torch divides by B instead, so that with class weights its loss jumps by
    their mean once labels become one-hot rows; without weights both are the same.)
    """

    class_weights: Tensor | None
    logit_offsets: Tensor | None

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        class_weights: Sequence[float] | None = None,
        logit_offsets: Sequence[float] | None = None,
        ignore: int = -1,
    ) -> None:
        super().__init__(target, output)
        for name, values in (("class_weights", class_weights), ("logit_offsets", logit_offsets)):
            value = None if values is None else torch.tensor(list(values), dtype=torch.float64)
            self.register_buffer(name, value, persistent=False)
        self.ignore = ignore

    def count(self, batch: Any) -> Tensor:
        target: Tensor = batch[self.target]
        if target.is_floating_point():
            return self._weighted(target, torch.float64).sum()
        if self.class_weights is None:
            return known(target, self.ignore)
        kept = target != self.ignore
        label = torch.where(kept, target, 0).long()
        return torch.where(kept, self.class_weights.double()[label], 0.0).sum()

    def both(self, outputs: Any, batch: Any) -> tuple[Tensor, Tensor]:
        """(logits with their offsets, target), with shapes that fit; probabilities in the dtype of the logits."""
        logits, target = self.pick(outputs), batch[self.target]
        classes_in_front(type(self).__name__, self.target, logits, target)
        if self.logit_offsets is not None:
            logits = logits + self.logit_offsets.to(logits.dtype).view(-1, *(1,) * (logits.ndim - 2))
        return logits, target.to(logits.dtype) if target.is_floating_point() else target.long()

    def weights(self, like: Tensor) -> Tensor | None:
        return None if self.class_weights is None else self.class_weights.to(like.dtype)

    def _weighted(self, values: Tensor, dtype: torch.dtype) -> Tensor:
        """values (B, K, …) times the weight of their class."""
        values = values.to(dtype)
        if self.class_weights is None:
            return values
        return values * self.class_weights.to(dtype).view(-1, *(1,) * (values.ndim - 2))
