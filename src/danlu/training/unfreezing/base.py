"""What a plan of unfreezing is."""

from __future__ import annotations

from typing import Protocol


class Unfreezing(Protocol):
    """Pure functions of where training stands. patience: evaluations without improvement that make a plateau; None: not waited for.

    Stages are counted from the head: the head is 0, what stands before it 1, and so on.
    """

    patience: int | None

    def learning(self, share: float, plateaus: int, stages: int) -> int:
        """How many of the stages learn, at least 1. share: of the training's steps that are done, [0, 1]; plateaus: so far."""
        ...

    def rate(self, stage: int) -> float:
        """The factor of the learning rate of a stage, (0, 1]."""
        ...
