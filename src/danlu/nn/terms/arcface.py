"""ArcFace: the angle to the own class's centre must win by a margin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._margin import Margin

_LEAST = 1e-7  # of sin², below which its root has no usable slope


class ArcFace(Margin):
    """-log softmax(scale·c)[label], the true class's c = cos θ replaced by cos(θ + margin) (Deng et al. 2019).

    Cosines (B, K) beside labels (B,). margin: in radians. Beyond θ = π - margin, where cos(θ + margin) would rise again,
    cos θ - margin·sin(margin) goes on falling, as in the authors' code. centres: see :class:`Margin`.
    """

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        margin: Annotated[float, Field(ge=0, lt=math.pi / 2)] = 0.5,
        scale: Annotated[float, Field(gt=0)] = 64.0,
        centres: Sequence[Annotated[int, Field(ge=0)]] | None = None,
    ) -> None:
        super().__init__(target, output, scale, centres)
        self.margin = margin

    def lowered(self, cosine: Tensor) -> Tensor:
        sine = (1 - cosine.square()).clamp_min(_LEAST).sqrt()
        turned = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine - self.margin * math.sin(self.margin)
        return torch.where(cosine > -math.cos(self.margin), turned, beyond)

    def extra_repr(self) -> str:
        return f"margin={self.margin}, scale={self.scale}"
