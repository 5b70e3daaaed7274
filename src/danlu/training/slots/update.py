"""The update: set this step's rates, let the optimiser (under fp16, the scaler) move the weights, then the proximal step."""

from __future__ import annotations

from torch import Tensor
from torch.optim import Optimizer

from danlu.training.optimisers.base import set_rates, update
from danlu.training.precision import Precision
from danlu.training.schedules.base import Horizon, Schedule
from danlu.training.slots.plateau import Plateau
from danlu.training.slots.proximal import Proximal


class Update:
    """lr: the peak rate; the schedule's factor of each step multiplies it, and that of the plateau, where one is waited for."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: Schedule,
        horizon: Horizon,
        lr: float,
        precision: Precision,
        proximal: Proximal | None = None,
        plateau: Plateau | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.horizon = horizon
        self.lr = lr
        self.precision = precision
        self.proximal = proximal
        self.plateau = plateau
        self._since: dict[Tensor, int] = {}  # the step from which the optimiser remembers something of a parameter

    def set_rates(self, step: int) -> float:
        """Rates for ``step``; gives the learning rate back."""
        rates = self.schedule.at(step, self.horizon)
        rate = self.lr * rates.factor * (self.plateau.factor if self.plateau is not None else 1.0)
        set_rates(self.optimizer, rate, rates.momentum)
        return rate

    def apply(self, step: int, refused: bool | Tensor = False) -> None:
        """Move the weights, unless the guard refuses the step: then neither they nor the optimiser's memory change."""
        if refused is True:
            self.precision.pass_over()
        elif isinstance(refused, Tensor):
            self._note(step - 1)
            update(self.optimizer, refused)
            self._note(step)
            if self.proximal is not None:
                self.proximal.apply(refused)
        else:
            left_out = self.proximal is not None and self.precision.overflowed(self.optimizer)
            self.precision.step(self.optimizer)
            if self.proximal is not None and not left_out:
                self.proximal.apply()
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def figures(self) -> dict[str, float]:
        """What to tell of an epoch: how many weights the proximal step has made 0."""
        return {"train/zeros": float(self.proximal.zeros())} if self.proximal is not None else {}

    def take_back(self, step: int) -> None:
        """Forget what the optimiser began to remember from ``step`` on: of empty updates it is not even initialised."""
        for parameter, since in list(self._since.items()):
            if since >= step:
                del self._since[parameter], self.optimizer.state[parameter]

    def _note(self, step: int) -> None:
        if len(self.optimizer.state) > len(self._since):
            for parameter in self.optimizer.state:
                self._since.setdefault(parameter, step)
