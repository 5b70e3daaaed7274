from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu._compat import torchvision
from danlu.training.optimisers.base import Groups

torchvision.ensure()

from timm.optim.lion import Lion as TimmLion  # noqa: E402

Beta = Annotated[float, Field(ge=0.0, lt=1.0)]


class Lion(TimmLion):
    """The sign of a momentum, and decoupled weight decay (Chen et al. 2023).

    It wants rates 3 to 10 times smaller than AdamW's, and as much more decay.
    """

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[Beta, Beta] = (0.9, 0.99),
        caution: bool = False,
    ) -> None:
        super().__init__(list(params), lr=lr, weight_decay=weight_decay, betas=betas, caution=caution)
