"""The guide's text classifier: embedding, recurrence, and a linear layer on what the recurrence has read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm
from danlu.nn.padding import AttentionPooling, masked_max, masked_mean, real, unpadded
from danlu.nn.recurrent.layers import directions

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
        return self.from_embedded(self.embedding(ids.t()).transpose(0, 1), ids, lengths)  # time first in memory

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' embeddings x (B, T, F) are given."""
        turn = Turn(lengths.reshape(-1, 1).to(torch.int64) - 1, ids.shape[1])
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))  # once for both directions
        read = x
        for i in range(len(self.forwards)):
            only_ends = self.pool == "last" and i + 1 == len(self.forwards)
            states, ends = self._layer(i, self.dropout(x), lengths, turn, only_ends)
            if only_ends:
                read = ends
            else:
                x = states
        if self.pool != "last":
            read = self._read(x, lengths)
        logits: Tensor = self.fc(self.dropout(self.activation(self.norm(read))))
        return logits

    def _layer(self, i: int, x: Tensor, lengths: Tensor, turn: Turn, only_ends: bool) -> tuple[Any, Any]:
        """The states (B, T, F) of a layer, and of each text the last ones (B, F); one of the two where it is clear which is wanted."""
        cells = [self.forwards[i], *([self.backwards[i]] if self.backwards else ())]
        lent = directions(cells, x, lengths, states=not only_ends)
        if lent is not None:
            return lent
        out, _ = cells[0](x)
        back = cells[1](turn(x))[0] if len(cells) > 1 else None
        if only_ends:
            # The backward direction read its last token, the text's first, where the forward one read its last.
            ends = [turn.ends(states) for states in (out, back) if states is not None]
            return None, torch.cat(ends, 1)
        return out if back is None else _beside(out, turn(back)), None

    def _read(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F) → (B, F)"""
        seen = real(lengths, x.shape[1])
        if self.pooling is not None:
            read: Tensor = self.pooling(x, seen)
            return read
        return masked_mean(x, seen) if self.pool == "mean" else masked_max(x, seen)


class Turn:
    """Reverses the real tokens of (B, T, F) and leaves padding where it is; called again, it takes that back.

    last: int64 (B, 1), places of the last real tokens. length: T. Where gradients are wanted, whole rows are moved, with time first in
    memory as recurrences have it; else single values are gathered, as exported graphs do.
    """

    def __init__(self, last: Tensor, length: int) -> None:
        self.last = last
        time = torch.arange(length, device=last.device)
        self.mirror = torch.where(time <= last, last - time, time)  # (B, T)
        self._rows: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and x.requires_grad):
            return _take(x, self.mirror)
        if self._rows is None:
            samples = torch.arange(len(x), device=x.device)
            self._rows = (self.mirror.t() * len(x) + samples).reshape(-1)
        turned: Tensor = _Turned.apply(x, self._rows)  # type: ignore[no-untyped-call]
        return turned

    def ends(self, x: Tensor) -> Tensor:
        """(B, T, F) → (B, F): at the last real tokens."""
        if not (torch.is_grad_enabled() and x.requires_grad):
            return _take(x, self.last)[:, 0]
        rows = self.last[:, 0] * len(x) + torch.arange(len(x), device=x.device)
        return x.transpose(0, 1).reshape(-1, x.shape[2]).index_select(0, rows)


class _Turned(torch.autograd.Function):
    """Whole rows are moved, and the gradient's by the same order: a gather of single values would be added up backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        flat = x.transpose(0, 1).reshape(
            -1, x.shape[2]
        )  # no copy where time comes first in memory, as recurrences want it
        return flat.index_select(0, rows).view(x.shape[1], x.shape[0], -1).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (rows,) = ctx.saved_tensors
        back: Tensor = _Turned.apply(g, rows)  # type: ignore[no-untyped-call]
        return back, None


def _beside(one: Tensor, other: Tensor) -> Tensor:
    """(B, T, F) and (B, T, G) → (B, T, F + G), with time first in memory."""
    return torch.cat([one.transpose(0, 1), other.transpose(0, 1)], 2).transpose(0, 1)


def _take(x: Tensor, index: Tensor) -> Tensor:
    """(B, T, F) at times (B, S) → (B, S, F)."""
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
