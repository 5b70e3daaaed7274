"""Long texts in windows that overlap: window w holds tokens w·stride … w·stride + window - 1, the last one what is left.

The same arithmetic for numbers, numpy and torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def count(tokens: int, window: int, stride: int) -> int:
    """How many windows show every token; one where there are none."""
    return 1 + max(0, -(-(tokens - window) // stride))


def used(tokens: Any, which: Any, window: int, stride: int) -> Any:
    """bool: whether a text of so many tokens has window ``which``."""
    return (which == 0) | ((which - 1) * stride + window < tokens)


def shown(tokens: Any, which: Any, place: Any, window: int, stride: int) -> Any:
    """bool: whether place ``place`` of window ``which`` holds one of so many tokens."""
    return used(tokens, which, window, stride) & (which * stride + place < tokens)


def cut(values: np.ndarray, window: int, stride: int) -> np.ndarray:
    """(n, …) → (windows, min(n, window), …), zeros behind the last token."""
    windows, length = count(len(values), window, stride), max(1, min(len(values), window))
    made = np.zeros((windows, length, *values.shape[1:]), values.dtype)
    for which in range(windows):
        part = values[which * stride : which * stride + length]
        made[which, : len(part)] = part
    return made


def joined(blocks: np.ndarray, tokens: int, stride: int) -> np.ndarray:
    """The inverse of :func:`cut`: (windows, length, …) → (tokens, …)."""
    made = np.zeros((tokens, *blocks.shape[2:]), blocks.dtype)
    for which, block in enumerate(blocks):
        start = which * stride
        if start < tokens:
            made[start : start + len(block)] = block[: tokens - start]
    return made
