from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from danlu.training.optimisers.base import Groups, fusible


class SGD(torch.optim.SGD):
    """Stochastic gradient descent with (Nesterov) momentum; weight decay is L2, scaled by the rate (Sutskever et al. 2013)."""

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9,
        nesterov: bool = True,
        dampening: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
    ) -> None:
        groups = list(params)
        super().__init__(
            groups,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov and momentum > 0 and dampening == 0,
            dampening=dampening,
            fused=fusible(groups),
        )
