"""COCO's run lengths: a mask as the lengths of alternating runs of 0 and 1, column by column, plain or packed as text.

The format is that of pycocotools (cocodataset/cocoapi, common/maskApi.c, BSD licence).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def encode(mask: np.ndarray) -> list[int]:
    """bool (H, W) → run lengths, the first of zeros (it may be 0)."""
    flat = np.asarray(mask, bool).reshape(-1, order="F")
    if not flat.size:
        return []
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], ends, [len(flat)]])).tolist()
    return [0, *runs] if flat[0] else runs


def decode(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """The inverse of :func:`encode`: bool (height, width). Raises ValueError where the runs don't fill the mask."""
    runs = np.asarray(counts, np.int64)
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise ValueError(f"{int(runs.sum())} != {height * width}")
    values = np.zeros(len(runs), bool)
    values[1::2] = True
    return np.repeat(values, runs).reshape(height, width, order="F")


def pack(counts: Sequence[int]) -> str:
    """Run lengths as text: each, from the fourth on less the one before the last, in groups of five bits, lowest first."""
    letters = bytearray()
    for place, count in enumerate(counts):
        value = int(count) - (int(counts[place - 2]) if place > 2 else 0)
        while True:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            letters.append((group | 0x20 if more else group) + 48)
            if not more:
                break
    return letters.decode("ascii")


def unpack(text: str | bytes) -> list[int]:
    """The inverse of :func:`pack`. Raises ValueError for text that is none."""
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    counts: list[int] = []
    at = 0
    while at < len(data):
        value = shift = 0
        while True:
            if at >= len(data) or not 48 <= data[at] < 112 or shift > 60:
                raise ValueError(f"{at}")
            group = data[at] - 48
            at += 1
            value |= (group & 0x1F) << shift
            shift += 5
            if not group & 0x20:
                if group & 0x10:
                    value -= 1 << shift
                break
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


def mask_of(rle: Mapping[str, Any]) -> np.ndarray:
    """bool (H, W) of {size: [height, width], counts: numbers or text}. Raises ValueError, TypeError, KeyError for anything else."""
    height, width = (int(side) for side in rle["size"])
    counts = rle["counts"]
    if isinstance(counts, str | bytes):
        counts = unpack(counts)
    elif not all(type(count) is int for count in counts):
        raise TypeError("counts")
    return decode(counts, height, width)
