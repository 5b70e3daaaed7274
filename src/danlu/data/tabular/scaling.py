"""Scaling of one column, learnt from training rows: scikit-learn's formulas in numpy, so that a service needs no scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu.data.tabular.normal import inverse_normal

NAMES = ("none", "standard", "minmax", "robust", "quantile", "log")
_EDGE = 1e-7  # as scikit-learn: how near to 0 and 1 a quantile may come


@dataclass(frozen=True)
class Scale:
    """How a number is scaled. name: one of :data:`NAMES`.

    standard, minmax, robust: (x - shift) / width, the mean and standard deviation, least and range, or median and interquartile range
    of the training rows; a width of 0 counts as 1. log: sign(x)·log(1 + |x|), then as standard: for counts. quantile: x's place among
    ``marks`` (the training rows' quantiles at equal steps), as a normal deviate.
    """

    name: str
    shift: float = 0.0
    width: float = 1.0
    marks: tuple[float, ...] = ()

    @classmethod
    def fit(cls, name: str, values: np.ndarray) -> Scale:
        """values: float64 (N,), finite, of training rows, missing ones filled in already."""
        if name == "none" or not len(values):
            return cls("none")
        if name == "log":
            values = logarithmic(values)
        if name in ("standard", "log"):
            return cls(name, float(values.mean()), _wide(float(values.std()), values))
        if name == "minmax":
            return cls(name, float(values.min()), _wide(float(values.max() - values.min()), values))
        if name == "robust":
            low, middle, high = np.percentile(values, [25, 50, 75])
            return cls(name, float(middle), _wide(float(high - low), values))
        count = steps(len(values))
        marks = np.maximum.accumulate(np.percentile(values, np.linspace(0, 1, count) * 100))
        return cls(name, marks=tuple(map(float, marks)))

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Scale:
        return cls(spec["name"], spec.get("shift", 0.0), spec.get("width", 1.0), tuple(spec.get("marks", ())))

    def spec(self) -> dict[str, Any]:
        if self.name == "quantile":
            return {"name": self.name, "marks": list(self.marks)}
        return (
            {"name": self.name}
            if self.name == "none"
            else {"name": self.name, "shift": self.shift, "width": self.width}
        )

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """float64 (N,) of float64 (N,), finite."""
        if self.name == "none":
            return values
        if self.name == "log":
            values = logarithmic(values)
        if self.name != "quantile":
            scaled: np.ndarray = (values - self.shift) / self.width
            return scaled
        marks = np.asarray(self.marks)
        places = np.linspace(0, 1, len(marks))
        # The mean of both directions: of a value that many rows have, the middle of its places.
        found = 0.5 * (np.interp(values, marks, places) - np.interp(-values, -marks[::-1], -places[::-1]))
        found = np.where(values - _EDGE < marks[0], 0.0, found)
        found = np.where(values + _EDGE > marks[-1], 1.0, found)
        low = inverse_normal(np.asarray([_EDGE - np.spacing(1)]))[0]
        high = inverse_normal(np.asarray([1 - (_EDGE - np.spacing(1))]))[0]
        deviates: np.ndarray = np.clip(inverse_normal(found), low, high)
        return deviates

    def back(self, values: np.ndarray) -> np.ndarray:
        """The inverse, for all but "quantile"."""
        if self.name == "quantile":
            raise TypeError("a quantile scale is not undone")
        undone: np.ndarray = values * self.width + self.shift
        return np.asarray(np.sign(undone) * np.expm1(np.abs(undone))) if self.name == "log" else undone


def logarithmic(values: np.ndarray) -> np.ndarray:
    """sign(x)·log(1 + |x|)."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def steps(rows: int) -> int:
    """How many quantiles so many rows bear: a thirtieth, 10 to 1000, never more than there are rows."""
    return max(2, min(rows, max(10, min(rows // 30, 1000))))


def _wide(width: float, values: np.ndarray) -> float:
    """1 where the width is nothing but rounding."""
    return width if width > 10 * np.finfo(np.float64).eps * float(np.abs(values).max(initial=0.0)) else 1.0
