"""Huber's loss: squared near the target, absolute far from it (Huber 1964)."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._regression import Regression


class Huber(Regression):
    """½·e² where abs(e) ≤ ``delta``, else delta·(abs(e) - ½·delta), as ``torch.nn.HuberLoss``.

    delta: in the target's units.
    """

    def __init__(
        self, target: str, output: str | None = None, *, delta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    ) -> None:
        super().__init__(target, output)
        self.delta = delta

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(output, target, reduction="none", delta=self.delta)

    def extra_repr(self) -> str:
        return f"delta={self.delta}"
