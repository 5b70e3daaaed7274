"""What the terms of a regression share: a sum over the known targets."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from danlu.nn.terms._shapes import same_shape
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class Regression(Term):
    """Output and target of one shape, (B,) or (B, K). A target that is NaN is unknown: it adds nothing and counts 0.

    Raises RecipeError where the shapes differ, (B, 1) beside (B,) included.
    """

    @abstractmethod
    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each element, 0 where both are equal."""

    def count(self, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        known: Tensor = ~target.isnan()
        return known.sum().double()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        output: Tensor = self.pick(outputs)
        target: Any = batch[self.target]
        same_shape(type(self).__name__, self.target, output, target)
        target = target.to(output.dtype)
        known = ~target.isnan()
        # Unknown ones are taken out before the subtraction: NaN times 0 is NaN, in the gradient as well.
        target, output = torch.where(known, target, 0.0), torch.where(known, output, 0.0)
        return self.distance(output, target).sum()
