"""A sample's inputs as one matrix of numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from danlu.data.kinds.base import Kind
from danlu.tasks.baselines.base import Sample
from danlu.tasks.baselines.reduced import KINDS, SIDE

_CATEGORIES = 64  # classes of an input category that get a column, the first ones
SIDES = (SIDE, 24, 16, 12, 8, 4)


def suit(kinds: Mapping[str, Kind], inputs: tuple[str, ...]) -> bool:
    """Whether all inputs can be made numbers."""
    return all(kinds[name].name in KINDS for name in inputs)


def width(sample: Sample, side: int = SIDE) -> int:
    """Columns of :func:`matrix`."""
    total = 0
    for name, values in sample.inputs.items():
        if values.ndim == 4:
            high, wide = _smaller(values.shape[1:3], side)
            total += high * wide * values.shape[3]
        elif values.ndim == 2:
            total += sample.kinds[name].matrix(values[:1]).shape[1]  # type: ignore[attr-defined]
        else:
            total += _columns(sample.kinds[name])
    return total


def matrix(sample: Sample, side: int = SIDE) -> np.ndarray:
    """float32 (N, D): pixels in 0–1, images made at most ``side`` pixels long; numbers as they are; categories as 0 and 1."""
    found = np.empty((len(sample), width(sample, side)), np.float32)
    start = 0
    for name, values in sample.inputs.items():
        if values.ndim == 4:
            block = _pixels(values, side)
        elif values.ndim == 2:
            block = sample.kinds[name].matrix(values)  # type: ignore[attr-defined]
        elif sample.kinds[name].name == "category":
            block = (values[:, None] == np.arange(_columns(sample.kinds[name]))).astype(np.float32)
        else:
            block = values[:, None]
        found[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return found


class Scaling:
    """Columns to mean 0 and deviation 1 by the training rows; columns that don't vary become 0."""

    def __init__(self, values: np.ndarray) -> None:
        """values: float (N, D), N ≥ 1; they are scaled in place."""
        self._mean = values.mean(0, dtype=np.float64).astype(values.dtype)
        values -= self._mean
        spread = np.sqrt(np.einsum("nd,nd->d", values, values, dtype=np.float64) / len(values))
        least = np.finfo(values.dtype).eps * np.abs(self._mean)
        self._factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > least).astype(values.dtype)
        values *= self._factor

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``values``, scaled in place."""
        values -= self._mean
        values *= self._factor
        return values


def _columns(kind: Kind) -> int:
    return min(_CATEGORIES, len(kind.classes)) if kind.name == "category" else 1  # type: ignore[attr-defined]


def _smaller(size: tuple[int, ...], side: int) -> tuple[int, int]:
    scale = side / max(*size, side)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _pixels(values: np.ndarray, side: int) -> np.ndarray:
    """uint8 (N, h, w, C) → float32 (N, h'·w'·C), means over areas."""
    count, high, wide, _ = values.shape
    size = _smaller((high, wide), side)
    small = values.astype(np.float32) / 255
    for axis, (old, new) in enumerate(((high, size[0]), (wide, size[1])), start=1):
        if new < old:
            edges = np.arange(new + 1) * old // new
            shape = [1] * 4
            shape[axis] = new
            small = np.add.reduceat(small, edges[:-1], axis=axis) / np.diff(edges).astype(np.float32).reshape(shape)
    return small.reshape(count, small.shape[1] * small.shape[2] * small.shape[3])
