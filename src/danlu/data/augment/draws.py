"""The random numbers of one augmentation for one batch, as a function of position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.randomness import Position, uniform


@dataclass(frozen=True)
class Draws:
    """at: seed and epoch count, step does not. purpose: unique to an augmentation and its place in the recipe's list.

    keys: uint64 (B,), of the samples. The numbers of a sample do not depend on the others in its batch.
    """

    at: Position
    purpose: str
    keys: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    def uniform(self, part: str, count: int = 1) -> np.ndarray:
        """float64 (B, count), uniform in [0, 1), anew each epoch; ``part`` tells an augmentation's draws apart."""
        return uniform(self.at.seed, f"{self.purpose}/{part}", self.at.epoch, self.keys, count)

    def lasting(self, part: str, count: int = 1) -> np.ndarray:
        """The same, but equal in all epochs."""
        return uniform(self.at.seed, f"{self.purpose}/{part}", 0, self.keys, count)

    def chance(self, part: str, p: float) -> np.ndarray:
        """bool (B,), true with probability ``p``."""
        if p >= 1:
            return np.ones(len(self.keys), dtype=bool)
        result: np.ndarray = self.uniform(part)[:, 0] < p
        return result

    def between(self, part: str, low: float, high: float) -> np.ndarray:
        """float64 (B,), uniform in [low, high)."""
        return low + (high - low) * self.uniform(part)[:, 0]
