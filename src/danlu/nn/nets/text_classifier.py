"""The guide's text classifier: embedding, recurrence, and a linear layer on what the recurrence has read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm
from danlu.nn.padding import AttentionPooling, masked_max, masked_mean, real, unpadded

_CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
Size = Annotated[int, Field(ge=1)]


class TextClassifier(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    The guide reads ``lstm_out[:, -1]``, which for a text shorter than the longest of its batch is the state after
    padding. This net reads the last real token, so that its answer for a text is the same alone and in any batch.
    Both directions: the state after the last real token forwards beside the state after the first token backwards,
    and the backward pass begins at the last real token.

    Texts are given padded at the right: an object with ``values`` (B, T) and ``sizes`` (B, 1), or (tokens, lengths), or
    a tensor alone, whose trailing ``padding`` ids don't count. A text without tokens is read as one padding token.

    pool: what of the recurrence's states is read: the last one ("last"), their mean, their largest values, or a mean with learnt
    weights ("attention"), over real tokens alone.
    vocabulary: number of ids. embedding, hidden: widths. layers: stacked cells. dropout: on embeddings, between
    layers, and before the last layer. norm and activation: on what the last layer sees (the guide has neither).
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        embedding: Size = 128,
        hidden: Size = 128,
        cell: Literal["rnn", "lstm", "gru"] = "lstm",
        layers: Size = 1,
        bidirectional: bool = False,
        pool: Literal["last", "mean", "max", "attention"] = "last",
        activation: str = "identity",
        norm: str = "none",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.padding, self.pool = padding, pool
        self.embedding = nn.Embedding(vocabulary, embedding)
        directions = 2 if bidirectional else 1
        widths = [embedding] + [hidden * directions] * (layers - 1)
        make = _CELLS[cell]
        # One module a layer and direction: torch's own backward direction would begin in the padding.
        self.forwards = nn.ModuleList(make(width, hidden, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(make(width, hidden, batch_first=True) for width in widths * (directions - 1))
        self.pooling = AttentionPooling(hidden * directions) if pool == "attention" else None
        self.norm = make_norm(norm, hidden * directions, dims=1)
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden * directions, classes)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' embeddings x (B, T, F) are given."""
        time = torch.arange(ids.shape[1], device=ids.device)
        last = lengths.reshape(-1, 1).to(time.dtype) - 1  # (B, 1)
        mirror = torch.where(time <= last, last - time, time)  # (B, T): reverses the real tokens; its own inverse
        for i, cell in enumerate(self.forwards):
            x = self.dropout(x)
            out, _ = cell(x)
            if self.backwards:
                back, _ = self.backwards[i](_take(x, mirror))
                out = torch.cat([out, _take(back, mirror)], 2)
            x = out
        logits: Tensor = self.fc(self.dropout(self.activation(self.norm(self._read(x, lengths, last)))))
        return logits

    def _read(self, x: Tensor, lengths: Tensor, last: Tensor) -> Tensor:
        """(B, T, F) → (B, F)"""
        seen = real(lengths, x.shape[1])
        if self.pool == "mean":
            return masked_mean(x, seen)
        if self.pool == "max":
            return masked_max(x, seen)
        if self.pooling is not None:
            read: Tensor = self.pooling(x, seen)
            return read
        half = x.shape[2] // 2 if self.backwards else x.shape[2]
        return torch.cat([_take(x, last)[:, 0, :half], x[:, 0, half:]], 1)


def _take(x: Tensor, index: Tensor) -> Tensor:
    """(B, T, F) at times (B, S) → (B, S, F)."""
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
