"""The course of the training loss, smoothed so that single batches decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from danlu.watch.history import Steps, Values

LEAST = 10  # steps
_SHARE = 20  # the loss is smoothed over a twentieth of the steps
_POOR, _WELL = (
    0.05,
    0.6,
)  # share of the first loss by which a loss has fallen next to nothing, and surely enough: noisy tasks end between


@dataclass(frozen=True)
class Losses:
    """steps int64 (N,), values float64 (N,): as told. smooth float64 (M,): medians over ``width`` steps each; at: their last steps.

    first: before anything was learnt. lowest, end: of ``smooth``.
    """

    steps: Steps
    values: Values
    width: int
    at: Steps
    smooth: Values
    first: float
    lowest: float
    end: float

    @classmethod
    def of(cls, curves: Mapping[str, tuple[Steps, Values]], name: str = "train/loss") -> Losses | None:
        if name not in curves:
            return None
        steps, values = curves[name]
        sound = np.isfinite(values)
        steps, values = steps[sound], values[sound]
        if len(values) < LEAST:
            return None
        width = max(3, len(values) // _SHARE)
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
        first = float(min(values[0], np.median(values[:3])))  # a rate far too high spoils the second step already
        return cls(steps, values, width, steps[width - 1 :], smooth, first, float(smooth.min()), float(smooth[-1]))

    @cached_property
    def spread(self) -> float:
        """Of single steps about their smoothed course: the standard deviation by its median, which leaps don't move (Rousseeuw & Croux
        1993).
        """
        middle = self.values[self.width // 2 :][: len(self.smooth)]
        return 1.4826 * float(np.median(np.abs(middle - self.smooth)))

    @property
    def fallen(self) -> float:
        """By what share of the first loss the last is lower; negative where it rose. Of likelihoods it says little."""
        return (self.first - self.end) / max(abs(self.first), 1e-12)

    @property
    def poor(self) -> bool | None:
        """None between: how low a loss can be, it does not say."""
        return True if self.fallen < _POOR else False if self.fallen > _WELL else None
