"""Large values made small: what baselines see of an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.kinds.base import Kind
from danlu.data.kinds.id import Id

SIDE = 32  # pixels of an image's longest side, at most
KINDS = ("image", "number", "category", "features")


def reduce(kind: Kind, values: Any) -> tuple[np.ndarray, np.ndarray | None] | None:
    """(reduced values, sizes of images) of a block that the store gathered; None for a kind that baselines don't know.

    Images of one size keep their shape; of many sizes they become squares. Pixels are averaged over areas.
    """
    if kind.name == "image":
        shape = kind.storage().shape
        high, wide = shape[0], shape[1]
        scale = SIDE / max(high, wide, SIDE)
        size = (SIDE, SIDE) if high < 0 else (max(1, round(high * scale)), max(1, round(wide * scale)))
        sizes = np.asarray([value.shape[:2] for value in values], np.int64).reshape(-1, 2)
        return _resized(values, size, shape[2]), sizes
    if kind.name == "number":
        return np.asarray(values, np.float32).reshape(-1), None
    if kind.name == "features":
        return np.asarray(values, np.float32), None
    if kind.name == "category" or isinstance(kind, Id):
        return np.asarray(values, np.int64).reshape(-1), None
    if kind.name in ("text", "tokens"):
        made = np.empty(len(values), object)
        made[:] = [kind.draw(value) for value in values]
        return made, None
    if kind.name in ("query", "passage"):  # tokens as they are: parts of them are quoted
        made = np.empty(len(values), object)
        made[:] = list(values)
        return made, None
    return None


def _resized(values: Any, size: tuple[int, int], channels: int) -> np.ndarray:
    """uint8 (N, *size, C)."""
    if isinstance(values, np.ndarray) and values.shape[1:3] == size:
        return values
    from PIL import Image

    made = np.empty((len(values), *size, channels), np.uint8)
    for row, value in zip(made, values, strict=True):
        grey = channels == 1
        smaller = min(value.shape[0] / size[0], value.shape[1] / size[1]) >= 1
        image = Image.fromarray(np.ascontiguousarray(value[:, :, 0] if grey else value))
        resized = image.resize((size[1], size[0]), Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR)
        row[:] = np.asarray(resized).reshape(*size, channels)
    return made
