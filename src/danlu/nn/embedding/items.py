"""What is known of items, as tensors that a net takes them from."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.tabular.content import Content


class Items(nn.Module):
    """terms: int64 (M, T), places of each item's terms, V behind them. weights: float32 (M, T), TF·IDF, of length 1 together.
    numbers: float32 (M, N). They are made of the content alone, and are not among the weights.
    """

    terms: Tensor
    weights: Tensor
    numbers: Tensor

    def __init__(self, content: Content) -> None:
        super().__init__()
        self.vocabulary, self.count = len(content.terms), len(content.rows)
        weighed = [content.weighed(row) for row in range(self.count)]
        longest = max([1, *(len(places) for places, _ in weighed)])
        terms = np.full((self.count, longest), self.vocabulary, np.int64)
        weights = np.zeros((self.count, longest), np.float32)
        for row, (places, values) in enumerate(weighed):
            terms[row, : len(places)], weights[row, : len(places)] = places, values
        numbers: Any = np.asarray(content.numbers, np.float32).reshape(self.count, len(content.number_names))
        for name, values in (("terms", terms), ("weights", weights), ("numbers", numbers)):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def matrix(self) -> Tensor:
        """float32 (M, V): TF·IDF."""
        wide = torch.zeros(self.count, self.vocabulary + 1, device=self.terms.device)
        return wide.scatter_add(1, self.terms, self.weights)[:, : self.vocabulary]
