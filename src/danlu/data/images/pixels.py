"""Images that come as arrays, and what is counted over pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu.data.images.modes import to_eight_bits
from danlu.data.kinds.base import BadValue
from danlu.messages import say

if TYPE_CHECKING:
    from PIL.Image import Image

_COUNTED_AT_ONCE = 2**22  # pixels; np.bincount widens them to 8 bytes each


def eight_bits(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Any array's pixels as uint8: bool, uint16 by its whole range, float from 0–1. Raises :class:`BadValue` for any other."""
    if values.dtype == np.uint8:
        return values, ()
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), (say("data.image.note.1-bit"),)
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8), (say("data.image.note.16-bit"),)
    if values.dtype.kind == "f" and np.isfinite(values).all() and values.min() >= 0.0 and values.max() <= 1.0:
        return np.rint(values * 255.0).astype(np.uint8), (say("data.image.note.float"),)
    if values.dtype.kind in "iu" and values.size and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8), ()
    raise BadValue(say("data.image.values", dtype=str(values.dtype)))


def picture(values: np.ndarray, channels: int) -> tuple[Image, tuple[str, ...]]:
    """An array (H, W), (H, W, C) or (C, H, W), C in 1–4, as a Pillow image "L" or "RGB". Raises :class:`BadValue`."""
    from PIL import Image

    notes: list[str] = []
    if values.ndim == 3 and values.shape[2] not in (1, 2, 3, 4) and values.shape[0] in (1, 3, 4):
        values = values.transpose(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.size == 0 or not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (2, 3, 4))):
        raise BadValue(say("data.image.shape", shape=list(values.shape)))
    values, widened = eight_bits(values)
    image, mended = to_eight_bits(Image.fromarray(np.ascontiguousarray(values)))
    notes += [*widened, *mended]
    if channels == 1 and image.mode != "L":
        notes.append(say("data.image.note.grey"))
    return image.convert("L" if channels == 1 else "RGB"), tuple(notes)


def statistics(blocks: Iterable[Any], channels: int) -> dict[str, Any]:
    """mean, std (of all pixels, not of a sample), min and max of each channel, in 0–255, from exact counts of every value.

    blocks: uint8 (B, H, W, C), or lists of uint8 (H, W, C).
    """
    counts = np.zeros((channels, 256), np.int64)
    for block in blocks:
        for values in [block] if isinstance(block, np.ndarray) else block:
            flat = np.ascontiguousarray(values).reshape(-1, channels)
            for start in range(0, len(flat), _COUNTED_AT_ONCE):
                for channel, column in enumerate(flat[start : start + _COUNTED_AT_ONCE].T):
                    counts[channel] += np.bincount(column, minlength=256)
    return _moments(counts)


def _moments(counts: np.ndarray) -> dict[str, Any]:
    """The same from counts (C, 256), with whole numbers until the last division."""
    result: dict[str, list[float]] = {"mean": [], "std": [], "min": [], "max": []}
    for row in counts.tolist():
        total = sum(row)
        if total == 0:
            return {}
        first = sum(value * count for value, count in enumerate(row))
        second = sum(value * value * count for value, count in enumerate(row))
        present = [value for value, count in enumerate(row) if count]
        result["mean"].append(first / total)
        result["std"].append(((total * second - first * first) / (total * total)) ** 0.5)
        result["min"].append(float(present[0]))
        result["max"].append(float(present[-1]))
    return result
