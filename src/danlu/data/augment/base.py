"""A batch transform: a pure function of (batch, position), applied to whole batches on the training device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.randomness import Position


class BatchTransform(Protocol):
    """One entry of the loop's first slot.

    ``partners`` says how many further samples it needs for each sample of a batch (1 for mixup and cutmix, 3 for
    mosaic); the batch then arrives with those appended (see :class:`Batch`), chosen by :meth:`choose` from dataset
    positions, never from batch mates.

    One that only copies values, each sample's from its own, and asks of a position for seed and epoch alone, may say so by
    ``copies = True``: some batches are then given to it as one.
    """

    partners: int

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        """int64 (partners, B): the partners of samples ``keys`` (B,) among the training ``rows`` (N,)."""
        ...

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch: ...
