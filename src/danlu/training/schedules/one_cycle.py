from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from danlu.training.schedules.base import Horizon, Rates


class OneCycle:
    """The rate rises to its peak and falls far below its start, the momentum inversely (Smith and Topin 2018).

    The same numbers as torch's OneCycleLR. peak: share of all steps at which the rate is highest. start, end: the rate divided by
    these at the first step, and by start·end at the last. low, high: momentum (Adam's first beta) at and away from the peak, instead of
    the optimiser's own; one made without momentum (sgd with momentum 0, rmsprop) keeps none.
    shape: "cosine" or "linear" legs.
    """

    def __init__(
        self,
        peak: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3,
        start: Annotated[float, Field(ge=1.0)] = 25.0,
        end: Annotated[float, Field(ge=1.0)] = 1e4,
        low: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.85,
        high: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.95,
        linear: bool = False,
        cycle_momentum: bool = True,
    ) -> None:
        self.peak = peak
        self.start = start
        self.end = end
        self.low = low
        self.high = high
        self.linear = linear
        self.cycle_momentum = cycle_momentum

    def at(self, step: int, horizon: Horizon) -> Rates:
        top = max(self.peak * horizon.steps - 1.0, 1e-9)
        last = max(horizon.steps - 1.0, top + 1e-9)
        first, lowest = 1.0 / self.start, 1.0 / (self.start * self.end)
        if step <= top:
            share = step / top
            factor, momentum = self._leg(first, 1.0, share), self._leg(self.high, self.low, share)
        else:
            share = min((step - top) / (last - top), 1.0)
            factor, momentum = self._leg(1.0, lowest, share), self._leg(self.low, self.high, share)
        return Rates(factor, momentum if self.cycle_momentum else None)

    def _leg(self, begin: float, end: float, share: float) -> float:
        if self.linear:
            return begin + (end - begin) * share
        return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * share))
