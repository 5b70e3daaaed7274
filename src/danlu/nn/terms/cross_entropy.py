"""Cross entropy over exclusive classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._classes import Classes

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class CrossEntropy(Classes):
    """-log softmax(logits)[label], as ``torch.nn.CrossEntropyLoss``.

    logits: (B, K) or dense (B, K, H, W). target: int labels without the class dimension, or probabilities with it.
    label_smoothing: share of each target that is spread over all classes (Szegedy et al. 2016).
    Raises RecipeError where the shapes don't fit. Every label ignored: 0, with gradient 0.
    """

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        class_weights: Sequence[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None,
        logit_offsets: Sequence[Annotated[float, Field(allow_inf_nan=False)]] | None = None,
        ignore: int = -1,
    ) -> None:
        super().__init__(target, output, class_weights=class_weights, logit_offsets=logit_offsets, ignore=ignore)
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits, target = self.both(outputs, batch)
        smoothing = self.label_smoothing
        if not target.is_floating_point():
            return F.cross_entropy(
                logits,
                target,
                self.weights(logits),
                ignore_index=self.ignore,
                reduction="sum",
                label_smoothing=smoothing,
            )
        if smoothing:  # of what the row has: an ignored row stays 0
            target = target * (1 - smoothing) + target.sum(1, keepdim=True) * (smoothing / logits.shape[1])
        return -self._weighted(
            F.log_softmax(logits, 1) * target, logits.dtype
        ).sum()  # in torch's order, to the last bit

    def extra_repr(self) -> str:
        return f"label_smoothing={self.label_smoothing}"
