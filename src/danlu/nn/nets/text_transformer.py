"""A small Transformer encoder for texts, with the norm before each part."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.attention import attend
from danlu.nn.dropout import Dropout
from danlu.nn.padding import masked_mean, real, unpadded

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Encoder(nn.Module):
    """One layer: x + attention(norm(x)), then x + MLP(norm(x)). x (B, T, F); seen bool (B, T). Xiong et al. 2020 (pre-norm)."""

    def __init__(self, width: int, heads: int, hidden: int, activation: str, dropout: float, rotary: bool) -> None:
        super().__init__()
        if width % heads or (rotary and width // heads % 2):
            raise ValueError(f"width {width} must be a multiple of heads {heads}" + (" · 2" if rotary else ""))
        self.heads, self.rotary = heads, rotary
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inside = nn.Linear(width, 3 * width)
        self.outside = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), make_activation(activation), Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        batch, time, width = x.shape
        parts = self.inside(self.norm1(x)).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        if self.rotary:
            q, k = rotate(q), rotate(k)
        share = self.dropout.p if self.training else 0.0
        found = attend(q, k, v, seen[:, None, None, :], share).transpose(1, 2).reshape(batch, time, width)
        x = x + self.dropout(self.outside(found))
        x = x + self.dropout(self.mlp(self.norm2(x)))
        return x


def rotate(x: Tensor, base: float = 10_000.0) -> Tensor:
    """(B, H, T, d) turned by its position, pair by pair (Su et al. 2021, RoPE)."""
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = torch.arange(x.shape[2], device=x.device, dtype=torch.float32)[:, None] * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    one, two = x[..., :half], x[..., half:]
    return torch.cat([one * cos - two * sin, two * cos + one * sin], -1)


class TextTransformer(nn.Module):
    """Token ids (B, T) → logits (B, classes): embedding, ``layers`` encoder layers, a norm, the mean over real tokens, a linear layer.

    positions: rotary (any length), learned (up to ``longest`` tokens), or none. hidden: units of the MLPs; 0: four times the width.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        width: Size = 128,
        layers: Size = 2,
        heads: Size = 4,
        hidden: Annotated[int, Field(ge=0)] = 0,
        positions: Literal["rotary", "learned", "none"] = "rotary",
        longest: Size = 512,
        activation: str = "gelu",
        dropout: Share = 0.1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.padding = padding
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(width))
        self.places = nn.Embedding(longest, width) if positions == "learned" else None
        if self.places is not None:
            nn.init.normal_(self.places.weight, std=0.02)
        hidden = hidden or 4 * width
        self.layers = nn.ModuleList(
            Encoder(width, heads, hidden, activation, dropout, positions == "rotary") for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' embeddings x (B, T, F) are given."""
        read = masked_mean(self.states(x, ids, lengths), real(lengths, ids.shape[1]))
        logits: Tensor = self.head(self.dropout(read))
        return logits

    def states(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F): what the layers make of the tokens' embeddings x (B, T, F), behind the norm."""
        seen = real(lengths, ids.shape[1])
        if self.places is not None:
            x = x + self.places.weight[: ids.shape[1]]
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, seen)
        found: Tensor = self.norm(x)
        return found
