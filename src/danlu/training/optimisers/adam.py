from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from danlu.training.optimisers._fused import FusedAdam
from danlu.training.optimisers.base import Groups, fusible

Beta = Annotated[float, Field(ge=0.0, lt=1.0)]


class Adam(FusedAdam, torch.optim.Adam):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient, so it is not decoupled: prefer adamw with decay."""

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[Beta, Beta] = (0.9, 0.999),
        eps: Annotated[float, Field(gt=0.0)] = 1e-8,
        amsgrad: bool = False,
    ) -> None:
        groups = list(params)
        super().__init__(
            groups, lr=lr, weight_decay=weight_decay, betas=betas, eps=eps, amsgrad=amsgrad, fused=fusible(groups)
        )
