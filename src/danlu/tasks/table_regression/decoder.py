"""Members' outputs → a number and its interval. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.metrics.thresholds import Tuned
from danlu.tasks.decoding import Decoder, Given


class NumberDecoder(Decoder):
    """Outputs (B, members, 1) → ``value`` float32 (B,): their mean, times std plus mean of the training rows.

    half: half of an answer's interval, None where it is not known. level: share of new rows that the interval is to hold.
    """

    calibrates = "value"

    def __init__(self, mean: float = 0.0, std: float = 1.0, level: float = 0.9, half: float | None = None) -> None:
        self.mean, self.std, self.level, self.half = mean, std, level, half

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls(level=float(options.get("level", 0.9)))

    def spec(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std, "level": self.level, "half": self.half}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        flat = np.asarray(outputs, np.float64).reshape(len(outputs), -1).mean(1)
        return {"value": (flat * self.std + self.mean).astype(np.float32)}

    def moved(self, offsets: Sequence[float]) -> Self:
        """With intervals of this half-width: one number; NaN where too few rows tell it."""
        half = float(offsets[0])
        return type(self)(self.mean, self.std, self.level, half if math.isfinite(half) else None)

    def tuned(self, predictions: Mapping[str, np.ndarray], truth: np.ndarray, metric: str) -> Tuned:
        """Split conformal prediction (Lei et al. 2018): the ⌈(n + 1)·level⌉-th smallest absolute residual of n rows.

        A new row that is drawn as these were lies within it with at least that chance, whatever the net.
        """
        residuals = np.abs(np.asarray(predictions["value"], np.float64) - np.asarray(truth, np.float64))
        residuals = np.sort(residuals[np.isfinite(residuals)])
        rank = math.ceil((len(residuals) + 1) * self.level)
        half = float(residuals[rank - 1]) if 0 < rank <= len(residuals) else math.nan
        held = float((residuals <= half).mean()) if len(residuals) else math.nan
        return Tuned(np.asarray([half]), 0.0, held)

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"value": …, "interval": [low, high]}, with seven digits."""
        value = float(predictions["value"][index])
        found: dict[str, Any] = {"value": _digits(value)}
        if self.half is not None:
            found["interval"] = [_digits(value - self.half), _digits(value + self.half)]
        return found


def _digits(value: float) -> float:
    return float(f"{value:.7g}")
