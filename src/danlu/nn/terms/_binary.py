"""What the terms of independent yes-or-no answers share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from danlu.nn.terms._shapes import same_shape
from danlu.nn.terms.base import Term


def known(target: Tensor) -> Tensor:
    """bool, of the target's shape: neither -1 (any negative number) nor NaN."""
    return target >= 0


def answers(term: Term, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(logits, target, known) of one shape and dtype; unknown answers are replaced by logit 0 and answer 0."""
    same_shape(type(term).__name__, term.target, logits, target)
    there = known(target)
    zero: Any = 0.0
    return torch.where(there, logits, zero), torch.where(there, target.to(logits.dtype), zero), there
