from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.training.schedules.base import Horizon, Rates


class ReduceOnPlateau:
    """The rate times ``factor`` whenever evaluations no longer improve (torch's ReduceLROnPlateau, by the same numbers).

    patience: evaluations in a row without improvement that are borne; the next one lowers the rate, and counting begins anew.
    min_delta: what the monitored value must improve by to count. floor: least share of the rate. Evaluations while the
    warm-up lasts don't count.
    """

    def __init__(
        self,
        factor: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1,
        patience: Annotated[int, Field(ge=0)] = 3,
        min_delta: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0,
        floor: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
        monitor: str = "val/loss",
    ) -> None:
        self.factor = factor
        self.patience = patience
        self.min_delta = min_delta
        self.floor = floor
        self.monitor = monitor

    def at(self, step: int, horizon: Horizon) -> Rates:
        """Before any evaluation; what those do to it is kept by the slot (``slots/plateau.py``)."""
        return Rates(1.0)
