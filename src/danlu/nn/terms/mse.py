"""Mean squared error."""

from __future__ import annotations

from torch import Tensor

from danlu.nn.terms._regression import Regression


class MSE(Regression):
    """(output - target)², as ``torch.nn.MSELoss``."""

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square()
