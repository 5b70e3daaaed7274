"""What is known of items, as tensors that a net takes them from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Items(nn.Module):
    """terms: int64 (M, T), places of each item's terms, V (``vocabulary``) behind them. weights: float32 (M, T), TF·IDF, of length 1
    together, 0 behind them. numbers: float32 (M, N). They are made of the content alone, and are not among the weights.
    """

    terms: Tensor
    weights: Tensor
    numbers: Tensor
    unchanging = ("terms", "weights", "numbers")

    def __init__(self, terms: np.ndarray, weights: np.ndarray, numbers: np.ndarray, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary, self.count = vocabulary, len(terms)
        for name, values in (("terms", terms), ("weights", weights), ("numbers", numbers)):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def matrix(self) -> Tensor:
        """float32 (M, V): TF·IDF."""
        wide = torch.zeros(self.count, self.vocabulary + 1, device=self.terms.device)
        return wide.scatter_add(1, self.terms, self.weights)[:, : self.vocabulary]
