"""Where an FCOS detector looks: one location a cell on each level's grid (Tian et al. 2019)."""

from __future__ import annotations

import numpy as np

STRIDES = (8, 16, 32)
REACH = ((0.0, 64.0), (64.0, 128.0), (128.0, float("inf")))
"""For each level, the largest distance from a location to a side of its box, in pixels: (above, up to)."""


def padded(size: int) -> int:
    """A height or width rounded up to whole cells of the coarsest level."""
    return (size + STRIDES[-1] - 1) // STRIDES[-1] * STRIDES[-1]  # no negative number: ONNX divides those towards zero


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(points float32 (L, 2) = (x, y) in pixels at cell centres, level int64 (L,)) for a padded image.

    Finest level first, row by row.
    """
    points, levels = [], []
    for level, stride in enumerate(STRIDES):
        ys = (np.arange(padded(height) // stride, dtype=np.float32) + 0.5) * stride
        xs = (np.arange(padded(width) // stride, dtype=np.float32) + 0.5) * stride
        points.append(np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2))
        levels.append(np.full(len(points[-1]), level))
    return np.concatenate(points), np.concatenate(levels)
