"""Shifted images."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill, shift
from danlu.data.augment.parts import Geometric


class Crop(Geometric):
    """A window of the image's own size out of the image padded by ``padding`` pixels on each side, at a random place.

    Every whole shift of up to ``padding`` pixels in x and in y is equally likely; pixels are copied, never
    interpolated. The same as ``RandomCrop(size, padding=n)`` elsewhere (He et al. 2015, "Deep Residual Learning",
    4.2).
    fill: what is padded: zero, the image's mean, its mirror image ("reflect") or its outermost pixels ("edge").
    """

    copies = True

    def __init__(self, padding: Annotated[int, Field(ge=1)] = 4, fill: Fill = "zero") -> None:
        self.padding = padding
        self.fill = fill

    def inverse(self, draws: Draws) -> np.ndarray:
        steps = np.floor(draws.uniform("shift", 2) * (2 * self.padding + 1)) - self.padding
        return shift(steps[:, 0], steps[:, 1])
