"""The item that was met among drawn ones: softmax cross entropy (Jean et al. 2015; Wu et al. 2024 for recommendation)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._drawn import Drawn


class SampledSoftmax(Drawn):
    """-log softmax(scores / temperature) at the item that was met, over it and the others.

    temperature: > 0; smaller ones look at the hardest of the others alone.
    """

    def __init__(
        self, target: str, output: str | None = None, *, temperature: Annotated[float, Field(gt=0)] = 1.0
    ) -> None:
        super().__init__(target, output)
        self.temperature = temperature

    def loss(self, met: Tensor, others: Tensor) -> Tensor:
        scores = torch.cat([met[:, None], others], dim=1) / self.temperature
        return scores.logsumexp(1) - scores[:, 0]

    def extra_repr(self) -> str:
        return f"temperature={self.temperature}"
