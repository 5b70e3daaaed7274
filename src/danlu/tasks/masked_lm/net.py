"""The encoder that is kept, and a head that gives back what was hidden through the encoder's own embedding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.nn.nets.text_transformer import TextTransformer
from danlu.nn.padding import unpadded


class Masked(nn.Module):
    """Padded ids (B, T) → logits of every token (B, T, V); with places int64 (B, P), of these alone (B, P, V).

    The last layer is the embedding itself (Press & Wolf 2017), behind a linear layer, GELU and a norm, as in BERT.
    """

    def __init__(self, encoder: TextTransformer) -> None:
        super().__init__()
        self.encoder = encoder
        vocabulary, width = encoder.embedding.weight.shape
        encoder.head = nn.Identity()  # type: ignore[assignment]  # that of classes, which nobody asks for
        self.change = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, text: Any, places: Tensor | None = None, wanted: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(text)
        x = self.encoder.states(self.encoder.embedding(ids), ids, lengths)
        if places is not None:
            x = x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))
        x = self.norm(F.gelu(self.change(x)))
        return F.linear(x, self.encoder.embedding.weight, self.bias)
