"""Keys and values in a cache of Transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class CacheKept:
    """A ``DynamicCache`` as a value of a state. :meth:`pick` picks in it, so that what it was given is used up."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    def pick(self, rows: np.ndarray) -> CacheKept:
        """Texts ``rows`` int64 (n,)."""
        batch = len(self.cache.layers[0].keys)
        if len(rows) != batch or (rows != np.arange(batch)).any():
            self.cache.reorder_cache(torch.from_numpy(rows))
        return self
