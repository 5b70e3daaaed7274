"""Parts of images, stretched to the whole."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import window
from danlu.data.augment.parts import Geometric
from danlu.data.augment.rectangles import fitting


class RandomResizedCrop(Geometric):
    """A window of ``area`` to 1 of the image's area, at a random place, stretched to the image's size; bilinear.

    Its aspect, as compared to the image's own, is 1/``ratio`` to ``ratio``, uniformly on the logarithm; of ten
    windows the first that fits is taken, else the whole image (Szegedy et al. 2015, "Going Deeper with Convolutions",
    6).
    """

    fill = None  # a window lies inside

    def __init__(
        self,
        area: Annotated[float, Field(gt=0, le=1)] = 0.35,
        ratio: Annotated[float, Field(ge=1, le=10)] = 4 / 3,
    ) -> None:
        self.area, self.ratio = area, ratio

    def inverse(self, draws: Draws) -> np.ndarray:
        width, height = fitting(draws, self.area, 1.0, self.ratio)
        width, height = np.where(width > 0, width, 1.0), np.where(height > 0, height, 1.0)
        place = draws.uniform("place", 2)
        return window(width, height, place[:, 0] * (1 - width), place[:, 1] * (1 - height))
