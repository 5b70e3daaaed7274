"""A metric is a mergeable state, never an average of averages. numpy only: evaluation and services share it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

Columns = Mapping[str, Any]  # column → ndarray (B, …), or a list of B ndarrays for ragged ones


class Metric(ABC):
    """update on any division of the samples and merge in any order give the same result.

    unit: column (a target, else of the predictions) whose equal values stay together when samples are resampled; None: each sample
    stands for itself.
    """

    unit: ClassVar[str | None] = None

    @abstractmethod
    def update(self, predictions: Columns, targets: Columns) -> None:
        """Count one batch: decoded predictions beside the true columns."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Add the state of another instance (another rank, another part)."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Name → value ("accuracy", "top5", "macro-f1"). NaN where undefined (no samples), never an invented 0."""

    sums: ClassVar[bool] = (
        False  # whether states are a few sums, so that to merge and to compute them costs next to nothing
    )

    def intervals(self, confidence: float) -> dict[str, tuple[float, float]]:
        """Name → (low, high) at ``confidence``, for those values whose state allows one."""
        return {}

    def by_unit(self, name: str) -> tuple[Any, Any] | None:
        """(units, sorted; float64 (U,)) where the value ``name`` is a mean over units (users): two can be compared pair by pair."""
        return None
