"""Convolutions over a text, each one's strongest answer, and a linear layer (Kim)."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.padding import masked_max, masked_mean, real, unpadded

Size = Annotated[int, Field(ge=1)]


class TextCnn(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    filters: of each of ``widths`` tokens. The largest answer of each over all places of the text (and with ``mean`` the mean
    embedding beside them) goes to the last layer. Beyond a text's ends are zeros, whatever it is padded to.
    Kim 2014, "Convolutional Neural Networks for Sentence Classification".
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        embedding: Size = 128,
        filters: Size = 128,
        widths: tuple[Size, ...] = (1, 2, 3),
        mean: bool = True,
        activation: str = "relu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.padding, self.mean, self.widths = padding, mean, widths
        self.embedding = nn.Embedding(vocabulary, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, filters, width) for width in widths)
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(filters * len(widths) + embedding * mean, classes)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' embeddings x (B, T, F) are given."""
        seen = real(lengths, ids.shape[1])
        x = self.dropout(x) * seen[:, :, None].to(x.dtype)
        found = []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            padded = nn.functional.pad(x.transpose(1, 2), ((width - 1) // 2, width // 2))
            found.append(masked_max(self.activation(convolution(padded)).transpose(1, 2), seen))
        if self.mean:
            found.append(masked_mean(x, seen))
        logits: Tensor = self.head(self.dropout(torch.cat(found, 1)))
        return logits
