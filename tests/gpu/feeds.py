"""In-memory feeds on a device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from danlu.data.batches.batch import Batch
from tests.training.feeds import ArrayFeed


class Fed(ArrayFeed):
    """Micro-batches of ``data`` = (inputs, labels), on the device."""

    def __init__(self, data: tuple[Tensor, Tensor], batch_size: int, device: torch.device, seed: int = 0) -> None:
        super().__init__(*data, batch_size, seed)
        self.device = device

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        return (batch.to(self.device) for batch in super().epoch(epoch, start))
