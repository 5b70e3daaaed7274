"""CosFace: the cosine to the own class's centre must win by a margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor

from danlu.nn.terms._margin import Margin


class CosFace(Margin):
    """-log softmax(scale·c)[label], the true class's c = cos θ replaced by cos θ - margin (Wang et al. 2018).

    Cosines (B, K) beside labels (B,). centres: see :class:`Margin`.
    """

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        margin: Annotated[float, Field(ge=0, lt=1)] = 0.35,
        scale: Annotated[float, Field(gt=0)] = 64.0,
        centres: Sequence[Annotated[int, Field(ge=0)]] | None = None,
    ) -> None:
        super().__init__(target, output, scale, centres)
        self.margin = margin

    def lowered(self, cosine: Tensor) -> Tensor:
        return cosine - self.margin

    def extra_repr(self) -> str:
        return f"margin={self.margin}, scale={self.scale}"
