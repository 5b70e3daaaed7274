"""A small encoder that reads a question and a text as one sequence and points at the answer in the text."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.nets.text_transformer import Encoder
from danlu.nn.packing import Packing
from danlu.nn.padding import real
from danlu.nn.special import BEGIN, COUNT, END, PAD

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
_FEATURES = 4  # question or text, found on the other side or not


class Local(nn.Module):
    """x + dropout(point(gelu(depth(norm(x))))): what the neighbours say. Depthwise over ``kernel`` tokens (Yu et al. 2018, QANet)."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.depth = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.point = nn.Linear(width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """x (B, T, F), seen bool (B, T)."""
        inner = self.norm(x) * seen[:, :, None].to(x.dtype)
        inner = nn.functional.gelu(self.depth(inner.transpose(1, 2)).transpose(1, 2))
        found: Tensor = x + self.dropout(self.point(inner))
        return found


class SpanReader(nn.Module):
    """Question ids (B, S), their lengths, text ids (B, T), their lengths → logits {"start", "end"}, both (B, 1 + T).

    Place 0 stands for "no answer here". Each token also knows whether it occurs on the other side, so that names that were never seen
    while training are found again. Rotary positions: a text may have any length.

    layers: pairs of a convolution over ``kernel`` tokens and a Transformer layer. hidden: units of the MLPs; 0: four times the width.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        width: Size = 96,
        layers: Size = 3,
        heads: Size = 4,
        hidden: Annotated[int, Field(ge=0)] = 0,
        kernel: Annotated[int, Field(ge=1)] = 5,
        activation: str = "gelu",
        dropout: Share = 0.1,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel {kernel} must be odd")
        self.packing = Packing((BEGIN,), (END,), (), PAD)
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(width))
        self.features = nn.Embedding(_FEATURES, width)
        nn.init.normal_(self.features.weight, std=1 / math.sqrt(width))
        hidden = hidden or 4 * width
        self.locals = nn.ModuleList(Local(width, kernel, dropout) for _ in range(layers))
        self.layers = nn.ModuleList(Encoder(width, heads, hidden, activation, dropout, True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, 2)

    def forward(self, question: Tensor, asked: Tensor, text: Tensor, length: Tensor) -> dict[str, Tensor]:
        packed = self.packing(question, asked, text, length)
        seen = real(packed.lengths, packed.ids.shape[1])
        found = matches(question, asked, text, length).gather(1, packed.source)
        x = self.embedding(packed.ids) + self.features(packed.second.long() * 2 + found.long())
        x = self.dropout(x)
        for local, layer in zip(self.locals, self.layers, strict=True):
            x = layer(local(x, seen), seen)
        logits = self.head(self.norm(x))
        start, end = logits.gather(1, packed.places[:, :, None].expand(-1, -1, 2)).unbind(2)
        return {"start": start, "end": end}


def matches(question: Tensor, asked: Tensor, text: Tensor, length: Tensor) -> Tensor:
    """bool (B, S + T + 3): which tokens of [begin, question, between, text, padding] occur on the other side; special ones never do."""
    same = (text[:, :, None] == question[:, None, :]) & real(asked, question.shape[1])[:, None]
    same = same & (text >= COUNT)[:, :, None] & real(length, text.shape[1])[:, :, None]
    no = torch.zeros(text.shape[0], 1, dtype=torch.bool, device=text.device)
    return torch.cat([no, same.any(1), no, same.any(2), no], 1)
