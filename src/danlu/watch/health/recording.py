"""What was recorded of a training, as the rules read it. Numbers only: no torch, no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from danlu.metrics.meaning import better, is_share
from danlu.recipe.schema import Recipe
from danlu.watch.health.losses import Losses
from danlu.watch.health.series import Layer, Parameter, layers_of, parameters_of
from danlu.watch.history import Steps, Values

_HIGH = 0.5  # of the peak rate: such steps tell whether it suits
_NOTHING = 0.95  # of what there was to learn is left: the net knows nothing
_MORE = 1.25  # times a linear model's errors, from which a net answers poorly

Standing = Literal["better", "level", "worse"]


@dataclass(frozen=True)
class Standings:
    """The net beside simple models on samples that it has not learnt from; None where that was not judged.

    simple: beside the best that looks at no input (majority, mean, average box); linear: beside the linear model. "better" and
    "worse" mean beyond the interval of the paired difference.
    """

    simple: Standing | None = None
    linear: Standing | None = None
    metric: str = ""
    net: float = np.nan
    linear_value: float = np.nan
    simple_value: float = np.nan

    @property
    def errs(self) -> float:
        """The net's errors over the linear model's: of a share of right answers, what is missing to 1."""
        if is_share(self.metric):
            return (1 - self.net) / max(1 - self.linear_value, 1e-12)
        if better(self.metric) < 0:
            return self.net / max(self.linear_value, 1e-12)
        return np.nan


@dataclass(frozen=True)
class Doubts:
    """Labels of samples that the net has not learnt from. sure: how many samples make up the half of which it is most certain; against:
    in how many of these it and every baseline that looks at the input (linear, nearest neighbours) agree on another label than the
    given one. errors: how many of these it answers otherwise. estimated: share of wrong labels among all ``samples`` by confident
    learning. ids: the most doubted first.
    """

    samples: int
    sure: int
    against: int
    errors: int
    estimated: float
    parts: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """curves: as :func:`danlu.watch.history.curves` gives them. layers, parameters: columns of the looks inside the net (see
    ``LayerFigures``, ``ParameterFigures``), empty where there were none.

    total_steps: as planned; 0 where not known. ended: how the training ended; None while it goes on or where it ended without a word.
    refused: the record of the NaN or infinite step that stopped it. recipe: as resolved; None of an own loop. takes: what it may choose
    of the net ("activation", "norm", "dropout"), with the value that now holds. choices: all values that a net of the user's allows,
    where its signature says so. floor: no loss can be lower (that of a smoothed label). trivial: the loss of whoever looks at no
    input; None where not known. side: pixels of the shorter side of the images that the net sees, 0 where it sees none.
    automatic: keys of the recipe that the run chose itself.
    """

    curves: Mapping[str, tuple[Steps, Values]] = field(default_factory=dict)
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)
    total_steps: int = 0
    ended: str | None = None
    refused: Mapping[str, Any] | None = None
    recipe: Recipe | None = None
    takes: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standings: Standings = field(default_factory=Standings)
    doubts: Doubts | None = None
    floor: float = 0.0
    trivial: float | None = None
    side: int = 0
    automatic: frozenset[str] = frozenset()

    @cached_property
    def units(self) -> tuple[Layer, ...]:
        """Layers in the order of the net."""
        return layers_of(self.layers)

    @cached_property
    def weights(self) -> tuple[Parameter, ...]:
        """Parameters in the order of the net."""
        return parameters_of(self.parameters)

    @cached_property
    def losses(self) -> Losses | None:
        """The training loss; None where fewer than ten steps are known."""
        return Losses.of(self.curves)

    @cached_property
    def fast(self) -> tuple[int, int] | None:
        """First and last step at which the rate was at least half of its peak; None where rates are not known."""
        if "lr" not in self.curves:
            return None
        steps, rates = self.curves["lr"]
        if not len(rates) or not np.isfinite(rates).any():
            return None
        high = np.flatnonzero(rates >= _HIGH * np.nanmax(rates))
        return int(steps[high[0]]), int(steps[high[-1]])

    @property
    def peak(self) -> float:
        """The highest rate; NaN where rates are not known."""
        _, rates = self.curves.get("lr", (np.empty(0, np.int64), np.empty(0)))
        return float(np.nanmax(rates)) if len(rates) and np.isfinite(rates).any() else float("nan")

    @property
    def unfreezes(self) -> str:
        """What the recipe has trained: "all", "frozen" (the head alone) and so on; "all" without a recipe."""
        asked: object = "all" if self.recipe is None else self.recipe.model.unfreeze
        return str(getattr(asked, "name", asked))

    def rates(self, steps: Steps) -> np.ndarray:
        """float64 (N,): the rate at ``steps`` over its peak; 1 where rates are not known."""
        at, rates = self.curves.get("lr", (np.empty(0, np.int64), np.empty(0)))
        if not len(rates) or not np.nanmax(rates) > 0:
            return np.ones(len(steps))
        return np.asarray(np.interp(steps, at, rates / np.nanmax(rates)))

    @cached_property
    def left(self) -> float | None:
        """What is left of what there was to learn, 0 … 1 and more: of the training loss, or of the validation loss where that is lower
        (augmentation and dropout are in the former only). None without a loss.
        """
        if self.losses is None:
            return None
        whole = (self.losses.first if self.trivial is None else self.trivial) - self.floor
        known = [self.losses.end]
        if "val/loss" in self.curves and len(self.curves["val/loss"][1]):
            known.append(float(self.curves["val/loss"][1][-1]))
        return (float(np.nanmin(known)) - self.floor) / whole if whole > 0 else None

    @cached_property
    def poor(self) -> bool | None:
        """Whether the net answers worse than it should, None where that can't be told.

        It does where a linear model is surely better and errs less by a fifth, or where it is not surely better than a model that
        looks at no input. Without baselines it does where the loss is no lower than such a model's, or has hardly fallen.
        """
        if self.standings.simple in ("level", "worse"):
            return True
        if self.standings.linear == "worse" and self.standings.errs >= _MORE:
            return True
        if self.standings.linear is not None or self.standings.simple is not None:
            return False
        if self.trivial is not None and self.left is not None and self.left >= _NOTHING:
            return True
        return None if self.losses is None else self.losses.poor
