"""Mean absolute error."""

from __future__ import annotations

from torch import Tensor

from danlu.nn.terms._regression import Regression


class L1(Regression):
    """abs(output - target), as ``torch.nn.L1Loss``. (The L1 *penalty* on parameters is ``train.l1``, not a term.)"""

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).abs()
