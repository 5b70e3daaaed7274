from __future__ import annotations


class Frozen:
    """Feature extraction: the head alone learns (guide section 12)."""

    patience: int | None = None

    def learning(self, share: float, plateaus: int, stages: int) -> int:
        return 1

    def rate(self, stage: int) -> float:
        return 1.0
