"""Layers that compute in float32 whatever training computes in."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def in_full(part: nn.Module, x: Tensor) -> Tensor:
    """``part(x)`` in float32 under autocast too. For a head of few classes: its casts would cost more than its product, and logits keep
    their digits.
    """
    if not torch.is_autocast_enabled(x.device.type):
        found: Tensor = part(x)
        return found
    with torch.autocast(x.device.type, enabled=False):
        found = part(x.float())
        return found
