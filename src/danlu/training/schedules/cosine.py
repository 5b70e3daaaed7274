from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from danlu.training.schedules.base import Horizon, Rates


class Cosine:
    """Cosine annealing to ``floor`` of the rate, with warm restarts where asked (Loshchilov and Hutter 2017).

    restarts: how often the rate jumps back. multiply: each cycle's length over that of the one before.
    """

    def __init__(
        self,
        restarts: Annotated[int, Field(ge=0, le=1000)] = 0,
        multiply: Annotated[float, Field(ge=1.0, le=10.0)] = 1.0,
        floor: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
    ) -> None:
        self.restarts = restarts
        self.multiply = multiply
        self.floor = floor

    def at(self, step: int, horizon: Horizon) -> Rates:
        lengths = [self.multiply**cycle for cycle in range(self.restarts + 1)]
        place = step / horizon.steps * sum(lengths)
        for length in lengths[:-1]:
            if place < length:
                break
            place -= length
        else:
            length = lengths[-1]
        share = min(place / length, 1.0)
        return Rates(self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * share)))
