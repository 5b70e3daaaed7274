"""Cross entropy of the next token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.padding import real
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class NextToken(Term):
    """-log softmax(logits)[token], summed over real tokens; the count is how many these are.

    logits: (B, T, V). target: a padded column (B, T) of ids, of the same T. label_smoothing: share of each target that is spread over
    all tokens (Szegedy et al. 2016), the ``label_smoothing`` of torch's cross entropy.
    """

    def __init__(
        self, target: str, output: str | None = None, *, label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    ) -> None:
        super().__init__(target, output)
        self.label_smoothing = label_smoothing

    def count(self, batch: Batch) -> Tensor:
        sizes: Tensor = batch[self.target].sizes  # type: ignore[union-attr]
        return sizes.sum(dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        logits = self.pick(outputs)
        truth: Any = batch[self.target]  # padded
        ids: Tensor = truth.values
        seen = real(truth.sizes.reshape(-1), ids.shape[1])
        wanted = torch.where(seen, ids.long(), -1).reshape(-1)
        return F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), wanted, ignore_index=-1, reduction="sum",
            label_smoothing=self.label_smoothing,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"label_smoothing={self.label_smoothing}"
