"""The batch transform that makes labels of masks: one form for every term, whatever sizes images have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Kind
from danlu.data.kinds.mask import IGNORED
from danlu.randomness import Position


class LabelPixels:
    """Adds the column ``pixels``: int64 (B, H, W), the class of each pixel of the (padded) images, -1 where there is none to learn."""

    partners = 0

    def __str__(self) -> str:
        return "label-pixels"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        mask = batch["mask"]
        values = mask.values if isinstance(mask, Padded) else mask
        assert isinstance(values, torch.Tensor)
        return batch.with_columns(pixels=torch.where(values == IGNORED, -1, values.long()))
