"""Log-cosh: squared near the target, absolute far from it, and smooth everywhere. An example of a term (CONTRIBUTING.md)."""

from __future__ import annotations

import math
from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._regression import Regression


class LogCosh(Regression):
    """scale²·log cosh(e / scale), computed without overflow.

    scale: in the target's units; below it the loss is nearly ½·e².
    """

    def __init__(self, target: str, output: str | None = None, *, scale: Annotated[float, Field(gt=0)] = 1.0) -> None:
        super().__init__(target, output)
        self.scale = scale

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        error = ((output - target) / self.scale).abs()
        return self.scale**2 * (error + F.softplus(-2.0 * error) - math.log(2.0))
