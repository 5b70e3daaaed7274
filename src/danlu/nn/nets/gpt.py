"""A small decoder-only Transformer that continues texts, with the norm before each part (Radford et al. 2019)."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.dropout import Dropout
from danlu.nn.nets.seq2seq_transformer import Decoder, causal, waves
from danlu.nn.nets.text_transformer import Share, Size
from danlu.nn.padding import real, unpadded
from danlu.nn.writing.layered import Layered, layered


class Gpt(nn.Module):
    """Ids (B, T), each text's own and the same one later behind a begin → logits of the next tokens (B, T, targets).

    The last layer is the embedding (Press & Wolf 2017). hidden: units of the MLPs; 0: four times the width. longest: most tokens.
    begin: the id before the first token.

    Called with the texts alone, each with an end, it gives the state in which :meth:`step` goes on behind them. The state is a mapping
    of tensors (B, …): ``own_keys`` and ``own_values`` (B, L, H, t, d) and ``seen`` (B, t) of all tokens but the last; ``place`` (B,),
    where that one stands; and ``last`` (B,), itself, which the first step is given.
    """

    moving = ("own_keys", "own_values", "seen", "place")
    places: Tensor

    def __init__(
        self,
        targets: int,
        *,
        width: Size = 256,
        layers: Size = 4,
        heads: Size = 4,
        hidden: Annotated[int, Field(ge=0)] = 0,
        longest: Size = 1024,
        activation: str = "gelu",
        dropout: Share = 0.1,
        begin: Annotated[int, Field(ge=0)] = 2,
    ) -> None:
        super().__init__()
        self.first = begin
        self.targets = nn.Embedding(targets, width)
        nn.init.normal_(self.targets.weight, std=1 / math.sqrt(width))
        self.register_buffer("places", waves(longest, width), persistent=False)
        self.scale = math.sqrt(width)
        hidden = hidden or 4 * width
        self.decoder = nn.ModuleList(Decoder(width, heads, hidden, activation, dropout, False) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, text: Any, prefix: Any = None) -> Any:
        if prefix is None:
            return self.begin(text)
        ids, _ = unpadded(prefix)
        x, _, _ = self.run(ids, causal(ids.shape[1], ids.device))
        return self.logits(x)

    def run(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """(B, T, F), and each layer's keys and values. mask: bool (…, T, T)."""
        x = self.dropout(self.targets(ids) * self.scale + self.places[: ids.shape[1]])
        keys, values = [], []
        for layer in self.decoder:
            assert isinstance(layer, Decoder)
            x, key, value = layer(x, mask, None, None)
            keys.append(key)
            values.append(value)
        return x, keys, values

    def logits(self, x: Tensor) -> Tensor:
        """(…, F) → (…, targets)"""
        return nn.functional.linear(self.norm(x), self.targets.weight)

    def begin(self, text: Any) -> dict[str, Tensor]:
        """The state behind texts, of which each has an end, which is left out."""
        ids, lengths = unpadded(text)
        ids = torch.cat([torch.full_like(ids[:, :1], self.first), ids[:, :-1]], 1)
        place = lengths - 1
        last = ids.gather(1, place[:, None])[:, 0].long()
        seen = real(place, ids.shape[1])
        itself = torch.eye(ids.shape[1], dtype=torch.bool, device=ids.device)
        mask = causal(ids.shape[1], ids.device) & (seen[:, None, :] | itself)
        _, keys, values = self.run(ids, mask[:, None])
        return {
            "own_keys": torch.stack(keys, 1), "own_values": torch.stack(values, 1), "seen": seen, "place": place, "last": last,
        }  # fmt: skip

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """tokens: int64 (B,), at the state's places → (logits (B, targets), what of the state has changed)."""
        x = (self.targets(tokens) * self.scale + self.places[state["place"]])[:, None]
        seen = torch.cat([state["seen"], torch.ones_like(state["place"][:, None], dtype=torch.bool)], 1)
        keys, values = [], []
        for index, layer in enumerate(self.decoder):
            past = (state["own_keys"][:, index], state["own_values"][:, index])
            x, key, value = layer(x, seen[:, None, None, :], None, past)
            keys.append(key)
            values.append(value)
        changed = {
            "own_keys": torch.stack(keys, 1), "own_values": torch.stack(values, 1), "seen": seen, "place": state["place"] + 1,
        }  # fmt: skip
        return self.logits(x[:, 0]), changed

    def writing(self) -> Layered | None:
        """Of :class:`danlu.tasks.generating.steps.Writes`."""
        return layered(self, Gpt, Decoder)
