"""Scores by which all items are put in order."""

from __future__ import annotations

import torch
from torch import Tensor


def all_scores(users: Tensor, items: Tensor) -> Tensor:
    """(B, D) · (N, D) → (B, N), float32 under autocast too: in bfloat16 many items would have the same score, and their places would
    decide.
    """
    if not torch.is_autocast_enabled(users.device.type):
        return users @ items.T
    with torch.autocast(users.device.type, enabled=False):
        return users.float() @ items.float().T
