from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from danlu.training.optimisers.base import Groups


class RMSprop(torch.optim.RMSprop):
    """RMSprop (Tieleman and Hinton 2012), optionally centred and with momentum. torch has no fused kernel for it."""

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        alpha: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.99,
        eps: Annotated[float, Field(gt=0.0)] = 1e-8,
        momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, weight_decay=weight_decay, alpha=alpha, eps=eps, momentum=momentum, centered=centered
        )
