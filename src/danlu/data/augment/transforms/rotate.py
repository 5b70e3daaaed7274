"""Turned images."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill, identity, turn
from danlu.data.augment.parts import Geometric


class Rotate(Geometric):
    """Turned about the middle by up to ``degrees`` either way, uniformly, with probability ``p``; bilinear."""

    def __init__(
        self,
        degrees: Annotated[float, Field(gt=0, le=180)] = 10.0,
        fill: Fill = "zero",
        p: Annotated[float, Field(gt=0, le=1)] = 1.0,
    ) -> None:
        self.degrees, self.p = degrees, p
        self.fill = fill

    def inverse(self, draws: Draws) -> np.ndarray:
        turned = turn(draws.between("angle", -self.degrees, self.degrees))
        return np.where(draws.chance("p", self.p)[:, None, None], turned, identity(len(draws)))
