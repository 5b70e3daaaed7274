from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.training.schedules.base import Horizon, Rates


class Step:
    """The rate times ``gamma`` after every ``every`` epochs (torch's StepLR; guide section 7).

    every: epochs; None: a third of the run.
    """

    def __init__(
        self,
        every: Annotated[float, Field(gt=0.0)] | None = None,
        gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1,
    ) -> None:
        self.every = every
        self.gamma = gamma

    def at(self, step: int, horizon: Horizon) -> Rates:
        period = horizon.steps / 3 if self.every is None else self.every * horizon.steps_per_epoch
        return Rates(self.gamma ** int(step / max(period, 1.0)))
