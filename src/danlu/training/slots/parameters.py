"""The parameter plan: which of the net's parameters learn at a step, and each one's share of the rate."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.depth import Stage, stages
from danlu.nn.freeze import freeze, thaw
from danlu.nn.parameters import split_parameters
from danlu.training.schedules.base import Horizon
from danlu.training.slots.stoppers import EarlyStop
from danlu.training.unfreezing.all import All
from danlu.training.unfreezing.base import Unfreezing


def freeze_for_good(net: nn.Module, unfreezing: Unfreezing) -> None:
    """Freeze what never learns, as a net is shown and judged. Raises RecipeError where the net has no head."""
    if unfreezing.learning(1.0, 2, 2) == 1:
        for stage in stages(net)[:-1]:
            freeze(map(net.get_parameter, stage.parameters), map(net.get_submodule, stage.norms))


class ParameterPlan:
    """Freezes and thaws ``net``'s stages as ``unfreezing`` says. What the net's own code has frozen stays so.

    learning: stages that learn now, counted from the head. Leaving its context puts the net back as it was.
    Raises RecipeError where a plateau is waited for and nothing is monitored, or the net has no head.
    """

    def __init__(
        self, net: nn.Module, unfreezing: Unfreezing, horizon: Horizon, monitor: tuple[str, int] | None
    ) -> None:
        self.unfreezing = unfreezing
        self.horizon = horizon
        self._net = net
        self._own = {name: p for name, p in net.named_parameters() if p.requires_grad}
        whole = isinstance(unfreezing, All)
        self.stages: tuple[Stage, ...] = (Stage("", tuple(self._own)),) if whole else stages(net)[::-1]
        norms = {name: net.get_submodule(name) for stage in self.stages for name in stage.norms}
        self._norms = {
            name: norm for name, norm in norms.items() if "train" not in vars(norm)
        }  # others are held already
        self._split = split_parameters(net)
        self.learning = len(self.stages)
        self.plateaus = 0
        self._waiting: EarlyStop | None = None
        if unfreezing.patience is not None:
            if monitor is None:
                what = say("runs.no-validation", key="model.unfreeze")
                raise RecipeError.of(
                    "model.unfreeze", what, say("recipe.clash.no-validation.remedy", key="model.unfreeze")
                )
            self._waiting = EarlyStop(*monitor, patience=unfreezing.patience)

    def groups(self, decay: float) -> list[dict[str, Any]]:
        """Parameter groups of everything that ever learns: with ``lr_scale``, and with decay only where it is right."""
        rates = self._rates()
        found: list[dict[str, Any]] = []
        for rate in dict.fromkeys(rates.values()):
            for learnt, own_decay in zip(self.learnt(), (decay, 0.0), strict=True):
                parameters = [p for p in learnt if rates[p] == rate]
                scale = {} if rate == 1.0 else {"lr_scale": rate}
                found += [{"params": parameters, "weight_decay": own_decay, **scale}] if parameters else []
        return found

    def learnt(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """(decay, no decay): what ever learns, as :func:`split_parameters` divides it."""
        ever = self._rates()
        decayed, others = ([p for _, p in named if p in ever] for named in self._split)
        return decayed, others

    def line(self) -> str:
        """What learns, in words."""
        ever = sum(p.numel() for p in self._rates())
        if len(self.stages) == 1:
            return say("loop.trained", count=f"{ever:,}")
        first = self.unfreezing.learning(0.0, 0, len(self.stages))
        now = sum(
            self._own[name].numel() for stage in self.stages[:first] for name in stage.parameters if name in self._own
        )
        plan, stages = type(self.unfreezing).__name__.lower(), len(self.stages)
        return say("loop.unfreezing", plan=plan, now=f"{now:,}", first=first, stages=stages, count=f"{ever:,}")

    def begin(self, step: int) -> None:
        """Before the forward pass of ``step`` (from 0): thaw what is due, freeze what is not."""
        due = self.unfreezing.learning(step / max(self.horizon.steps, 1), self.plateaus, len(self.stages))
        if due != self.learning:
            self._set(due)

    def judged(self, values: Mapping[str, float]) -> None:
        """After an evaluation: count the plateaus. Raises TrainingError where the monitored metric isn't there."""
        if self._waiting is not None and self._waiting.stops(values):
            self.plateaus, self._waiting.waited = self.plateaus + 1, 0

    def state(self) -> dict[str, Any]:
        return {"plateaus": self.plateaus, "waiting": self._waiting.state() if self._waiting else None}

    def load(self, state: Mapping[str, Any]) -> None:
        self.plateaus = state["plateaus"]
        if self._waiting is not None and state["waiting"]:
            self._waiting.load(state["waiting"])

    def __enter__(self) -> ParameterPlan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._set(len(self.stages))

    def _rates(self) -> dict[nn.Parameter, float]:
        """Everything that ever learns → its share of the rate; from the head down."""
        ever = self.unfreezing.learning(1.0, len(self.stages), len(self.stages))
        return {
            self._own[name]: self.unfreezing.rate(number)
            for number, stage in enumerate(self.stages[:ever])
            for name in stage.parameters
            if name in self._own
        }

    def _set(self, learning: int) -> None:
        for number, stage in enumerate(self.stages):
            was, now = number < self.learning, number < learning
            if was == now:
                continue
            parameters = [self._own[name] for name in stage.parameters if name in self._own]
            norms = [self._norms[name] for name in stage.norms if name in self._norms]
            if now:
                thaw(parameters, norms, self._net.training)
            else:
                freeze(parameters, norms)
        self.learning = learning
