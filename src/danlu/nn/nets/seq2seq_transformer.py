"""A small Transformer that reads one text and writes another (Vaswani et al. 2017), with the norm before each part."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.attention import attend, attend_one
from danlu.nn.dropout import Dropout
from danlu.nn.nets.text_transformer import Encoder, Share, Size
from danlu.nn.padding import real, unpadded
from danlu.nn.writing.kept import Kept
from danlu.nn.writing.layered import Layered, layered


class Decoder(nn.Module):
    """One layer: attention to what is written, to what was read, and an MLP, each as x + part(norm(x)) (Xiong et al. 2020).

    read: False leaves out the attention to what was read.
    """

    def __init__(self, width: int, heads: int, hidden: int, activation: str, dropout: float, read: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} must be a multiple of heads {heads}")
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.inside, self.outside = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width) if read else None
        self.query = nn.Linear(width, width) if read else None
        self.memory = nn.Linear(width, 2 * width) if read else None
        self.answer = nn.Linear(width, width) if read else None
        self.norm3 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), make_activation(activation), Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = Dropout(dropout)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(B, T, parts·F) → so many (B, H, T, d)."""
        batch, time, width = x.shape
        return x.view(batch, time, parts, self.heads, width // parts // self.heads).permute(2, 0, 3, 1, 4).unbind(0)

    def remembered(self, memory: Tensor) -> tuple[Tensor, ...]:
        """Keys and values (B, H, S, d) of what was read, (B, S, F)."""
        assert self.memory is not None
        return self.split(self.memory(memory), 2)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        read: tuple[Tensor, Tensor, Tensor] | None,
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, T, F); mask: bool (T, T); read: keys, values (B, H, S, d) and bool (B, S); past: keys, values (B, H, t, d) before x.

        Gives x, and the keys and values of all that is written.
        """
        share = self.dropout.p if self.training else 0.0
        q, k, v = self.split(self.inside(self.norm1(x)), 3)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        x = x + self.dropout(self.outside(_joined(attend(q, k, v, mask, share))))
        if read is not None:
            assert self.query is not None
            assert self.norm2 is not None
            assert self.answer is not None
            (asked,) = self.split(self.query(self.norm2(x)), 1)
            found = attend(asked, read[0], read[1], read[2][:, None, None, :], share)
            x = x + self.dropout(self.answer(_joined(found)))
        return x + self.dropout(self.mlp(self.norm3(x))), k, v

    def one(self, x: Tensor, index: int, kept: Kept, read: Kept | None) -> Tensor:
        """:meth:`forward` for one place of each text, x (B, F), where nothing is dropped. index: which layer of ``kept`` this is.

        kept: of what is written, with a place for this one; read: of what was read.
        """
        parts = self.inside(self.norm1(x)).view(len(x), 3, self.heads, -1)
        kept.put(index, parts[:, 1:])
        x = x + self.outside(attend_one(parts[:, 0], *kept.pair(index), kept.shown()))
        if read is not None:
            assert self.query is not None
            assert self.norm2 is not None
            assert self.answer is not None
            asked = self.query(self.norm2(x)).view(len(x), self.heads, -1)
            x = x + self.answer(attend_one(asked, *read.pair(index), read.shown()))
        added: Tensor = self.mlp(self.norm3(x))
        return x + added

    def looks(self, x: Tensor, mask: Tensor | None, keys: Tensor, seen: Tensor) -> Tensor:
        """Shares (B, H, T, S) of what was read, where :meth:`forward` is given ``x`` and ``mask``."""
        assert self.query is not None
        assert self.norm2 is not None
        q, k, v = self.split(self.inside(self.norm1(x)), 3)
        x = x + self.outside(_joined(attend(q, k, v, mask, 0.0)))
        (asked,) = self.split(self.query(self.norm2(x)), 1)
        scores = asked @ keys.transpose(-1, -2) / math.sqrt(asked.shape[-1])
        return scores.masked_fill(~seen[:, None, None, :], -torch.inf).softmax(-1)


def _joined(x: Tensor) -> Tensor:
    """(B, H, T, d) → (B, T, F)"""
    return x.transpose(1, 2).flatten(2)


def waves(longest: int, width: int) -> Tensor:
    """(longest, width): sines and cosines of a position, as in Vaswani et al. 2017, section 3.5."""
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10_000.0) / width))
    angles = torch.arange(longest, dtype=torch.float32)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]


def causal(size: int, device: torch.device) -> Tensor:
    """bool (T, T): True where a position may look, at itself and before."""
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()


class Seq2seqTransformer(nn.Module):
    """Ids of what is read (B, S) and of what is written (B, T) → logits of the next tokens (B, T, targets).

    vocabulary, targets: numbers of ids. shared: one embedding for both; the last layer is always the embedding of what is written
    (Press & Wolf 2017). layers: of each side. hidden: units of the MLPs; 0: four times the width. longest: most tokens, of either.

    Called with what is read alone it gives the state in which :meth:`step` begins. The state is a mapping of tensors (B, …): ``keys``
    and ``values`` (B, L, H, S, d) and ``seen`` (B, S) of what was read; ``own_keys`` and ``own_values`` (B, L, H, t, d) of the t tokens
    written, and ``place`` (B,), their number.
    """

    moving = ("own_keys", "own_values", "place")
    places: Tensor

    def __init__(
        self,
        vocabulary: int,
        targets: int,
        *,
        shared: bool = False,
        width: Size = 256,
        layers: Size = 3,
        heads: Size = 4,
        hidden: Annotated[int, Field(ge=0)] = 0,
        longest: Size = 1024,
        activation: str = "relu",
        dropout: Share = 0.1,
    ) -> None:
        super().__init__()
        if shared and vocabulary != targets:
            raise ValueError(f"one embedding can't have {vocabulary} and {targets} ids")
        hidden = hidden or 4 * width
        self.targets = nn.Embedding(targets, width)
        self.sources = self.targets if shared else nn.Embedding(vocabulary, width)
        for table in dict.fromkeys((self.targets, self.sources)):
            nn.init.normal_(table.weight, std=1 / math.sqrt(width))
        self.register_buffer("places", waves(longest, width), persistent=False)
        self.scale = math.sqrt(width)
        self.encoder = nn.ModuleList(Encoder(width, heads, hidden, activation, dropout, False) for _ in range(layers))
        self.decoder = nn.ModuleList(Decoder(width, heads, hidden, activation, dropout) for _ in range(layers))
        self.read_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def read(self, source: Any) -> tuple[Tensor, Tensor]:
        """(B, S, F), bool (B, S)"""
        ids, lengths = unpadded(source)
        seen = real(lengths, ids.shape[1])
        x = self.dropout(self.sources(ids) * self.scale + self.places[: ids.shape[1]])
        for layer in self.encoder:
            x = layer(x, seen)
        return self.read_norm(x), seen

    def forward(self, source: Any, prefix: Any = None) -> Any:
        if prefix is None:
            return self.begin(source)
        memory, seen = self.read(source)
        ids, _ = unpadded(prefix)
        x = self.dropout(self.targets(ids) * self.scale + self.places[: ids.shape[1]])
        mask = causal(ids.shape[1], ids.device)
        for layer in self.decoder:
            assert isinstance(layer, Decoder)
            x, _, _ = layer(x, mask, (*layer.remembered(memory), seen), None)
        return self.logits(x)

    def attention(self, source: Any, prefix: Any) -> Tensor:
        """How much each place that is written looks at each that is read, (B, L, H, T, S): rows add up to 1, padding gets nothing."""
        memory, seen = self.read(source)
        ids, _ = unpadded(prefix)
        x = self.dropout(self.targets(ids) * self.scale + self.places[: ids.shape[1]])
        mask = causal(ids.shape[1], ids.device)
        found = []
        for layer in self.decoder:
            assert isinstance(layer, Decoder)
            keys, values = layer.remembered(memory)
            found.append(layer.looks(x, mask, keys, seen))
            x, _, _ = layer(x, mask, (keys, values, seen), None)
        return torch.stack(found, 1)

    def logits(self, x: Tensor) -> Tensor:
        """(…, F) → (…, targets)"""
        return nn.functional.linear(self.norm(x), self.targets.weight)

    def begin(self, source: Any) -> dict[str, Tensor]:
        """The state before anything is written."""
        memory, seen = self.read(source)
        pairs = [layer.remembered(memory) for layer in self.decoder if isinstance(layer, Decoder)]
        keys, values = (torch.stack(list(each), 1) for each in zip(*pairs, strict=True))
        nothing = keys[:, :, :, :0]
        place = torch.zeros(seen.shape[0], dtype=torch.int64, device=seen.device)
        return {
            "keys": keys,
            "values": values,
            "seen": seen,
            "own_keys": nothing,
            "own_values": nothing,
            "place": place,
        }

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """tokens: int64 (B,), written last → (logits (B, targets), what of the state has changed)."""
        x = (self.targets(tokens) * self.scale + self.places[state["place"]])[:, None]
        keys, values = [], []
        for index, layer in enumerate(self.decoder):
            read = (state["keys"][:, index], state["values"][:, index], state["seen"])
            x, key, value = layer(x, None, read, (state["own_keys"][:, index], state["own_values"][:, index]))
            keys.append(key)
            values.append(value)
        changed = {"own_keys": torch.stack(keys, 1), "own_values": torch.stack(values, 1), "place": state["place"] + 1}
        return self.logits(x[:, 0]), changed

    def writing(self) -> Layered | None:
        """Of :class:`danlu.tasks.generating.steps.Writes`."""
        return layered(self, Seq2seqTransformer, Decoder)
