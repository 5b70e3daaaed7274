"""Pairs of samples blended."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from danlu.data.augment.beta import beta
from danlu.data.augment.draws import Draws
from danlu.data.augment.layout import chunks
from danlu.data.augment.parts import Mixing
from danlu.data.augment.sending import sent


class Mixup(Mixing):
    """mixup (Zhang et al. 2017): x = λ·x₁ + (1 − λ)·x₂ and targets alike, λ from Beta(``alpha``, ``alpha``) by sample.

    The partner is another training sample, by hash; ``p`` of the samples are mixed at all. Images become float32.
    """

    pixelwise = True

    def __init__(
        self, alpha: Annotated[float, Field(gt=0, le=1000)] = 0.2, p: Annotated[float, Field(gt=0, le=1)] = 1.0
    ) -> None:
        self.alpha, self.p = alpha, p

    def shares(self, draws: Draws) -> np.ndarray:
        return np.where(draws.chance("p", self.p), beta(draws.uniform("share")[:, 0], self.alpha), 1.0)

    def mix(self, pixels: Tensor, partner: Tensor, shares: np.ndarray, draws: Draws) -> tuple[Tensor, Tensor]:
        share = sent(shares.astype(np.float32), pixels.device)
        result = torch.empty_like(pixels, dtype=torch.float32)
        weight = share.view(-1, 1, 1, 1)
        for some in chunks(pixels):
            # Two products and a sum (not lerp, whose last bit depends on where in the batch a pixel stands): exactly the
            # sample where its share is 1.
            own = torch.mul(pixels[some], weight[some], out=result[some])
            own += partner[some] * (1 - weight[some])
        return result, share
