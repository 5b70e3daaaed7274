"""The mean of an ensemble's members. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def mean_of(outputs: np.ndarray, probability: Any) -> np.ndarray:
    """float32 (B, K): mean over members of their probabilities. outputs: (B, members, K) or (B, K)."""
    if outputs.ndim == 2:
        return np.asarray(probability(outputs), np.float32)
    rows, members, classes = outputs.shape
    found = probability(outputs.reshape(rows * members, classes)).reshape(outputs.shape)
    return np.asarray(found.mean(1, dtype=np.float64), np.float32)
