from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu._compat import torchvision
from danlu.training.optimisers.base import Groups

torchvision.ensure()

from timm.optim.muon import Muon as TimmMuon  # noqa: E402


class Muon(TimmMuon):
    """Momentum whose matrices are made orthogonal by Newton-Schulz steps (Jordan et al. 2024); vectors move by AdamW, with
    ``nesterov`` by NAdamW.

    Kernels of convolutions are matrices of (out, in·height·width). Updates have the root mean square of AdamW's (Liu et al. 2025), so
    AdamW's rates and decays fit.
    """

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.95,
        nesterov: bool = True,
        betas: tuple[Annotated[float, Field(ge=0.0, lt=1.0)], Annotated[float, Field(ge=0.0, lt=1.0)]] = (0.9, 0.95),
    ) -> None:
        super().__init__(
            list(params), lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, betas=betas
        )
