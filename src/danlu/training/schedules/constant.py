from __future__ import annotations

from danlu.training.schedules.base import Horizon, Rates


class Constant:
    """The same learning rate from beginning to end."""

    def at(self, step: int, horizon: Horizon) -> Rates:
        return Rates(1.0)
