"""Images made larger or smaller within their frame."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill, window
from danlu.data.augment.parts import Geometric


class Scale(Geometric):
    """Content made larger or smaller by up to the factor ``by``, uniformly on the logarithm; the image keeps its size, and its aspect.

    Of a larger one a window at a random place is seen; a smaller one lies at a random place, and ``fill`` stands around it.
    """

    def __init__(self, by: Annotated[float, Field(gt=1, le=10)] = 1.5, fill: Fill = "zero") -> None:
        self.by = by
        self.fill = fill

    def inverse(self, draws: Draws) -> np.ndarray:
        share = self.by ** draws.between("factor", -1.0, 1.0)
        place = draws.uniform("place", 2)
        return window(share, share, place[:, 0] * (1 - share), place[:, 1] * (1 - share))
