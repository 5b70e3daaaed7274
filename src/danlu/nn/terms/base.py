"""A loss is named terms, each a sum and a count (house rule 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


def known(target: Tensor, ignore: int) -> Tensor:
    """0-d float64: how many labels are not ``ignore``."""
    if target.is_cpu:  # numpy answers in a tenth of the time that torch's calls take
        return torch.from_numpy(np.array(np.count_nonzero(target.numpy() != ignore), np.float64))
    return (target != ignore).sum(dtype=torch.float64)


class Term(nn.Module):
    """One term S/C of a loss.

    target: name of the batch column it compares with. output: key into the net's outputs where these are a dict, else
    None.
    """

    coupled: bool = False  # True where samples enter each other's loss: accumulation then needs cached gradients

    def __init__(self, target: str, output: str | None = None) -> None:
        super().__init__()
        self.target = target
        self.output = output

    def pick(self, outputs: Any) -> Tensor:
        """The net's output this term looks at, in float32 or float64."""
        value: Tensor = outputs if self.output is None else outputs[self.output]
        return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value

    def count(self, batch: Batch) -> Tensor:
        """C, from targets alone (known before the forward pass): float64 0-d on the batch's device."""
        raise NotImplementedError

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        """S, a 0-d sum over the micro-batch. Never a mean."""
        raise NotImplementedError
