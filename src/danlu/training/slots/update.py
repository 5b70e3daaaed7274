"""The update: set this step's rates, then let the optimiser (under fp16, the scaler) move the weights."""

from __future__ import annotations

from torch.optim import Optimizer

from danlu.training.optimisers.base import set_rates
from danlu.training.precision import Precision
from danlu.training.schedules.base import Horizon, Schedule


class Update:
    """lr: the peak rate; the schedule's factor of each step multiplies it."""

    def __init__(
        self, optimizer: Optimizer, schedule: Schedule, horizon: Horizon, lr: float, precision: Precision
    ) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.horizon = horizon
        self.lr = lr
        self.precision = precision

    def set_rates(self, step: int) -> float:
        """Rates for ``step``; gives the learning rate back."""
        rates = self.schedule.at(step, self.horizon)
        set_rates(self.optimizer, self.lr * rates.factor, rates.momentum)
        return self.lr * rates.factor

    def apply(self) -> None:
        self.precision.step(self.optimizer)
        self.optimizer.zero_grad(set_to_none=True)
