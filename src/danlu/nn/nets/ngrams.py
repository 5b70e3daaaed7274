"""N-grams by TF-IDF: a linear model of them, and a hidden layer beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from danlu.nn.activations import make_activation
from danlu.nn.dropout import Dropout
from danlu.nn.ngrams import known
from danlu.nn.padding import real, unpadded

Size = Annotated[int, Field(ge=1)]
_NONE = torch.iinfo(torch.int64).max  # a key that no run has
_MANY = 64  # classes, from which on each run has no weight for each of them


class Ngrams(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    A text is the sum of the vectors of its tokens and of its runs of 2 … ``longest`` tokens, each times its IDF, divided by the root
    of the sum of these squared, times ``scale``. Known are the ``grams`` most frequent runs of which two training texts have each;
    others count for nothing. A vector holds a weight for each class, which is a linear model by itself, and ``embedding`` values,
    which go through a layer of ``hidden`` units; the two are added. linear: whether there are the former; by itself up to 64 classes.
    longest: by itself 2; 4 where a script has no spaces between words (``solid``). thin: share of tokens and runs that a step
    leaves out; dropout: of hidden values.

    It is meant for SGD: a rare run then moves as little as it is seen, while Adam moves it as far as the others. Joulin et al. 2016,
    "Bag of Tricks for Efficient Text Classification"; Salton and Buckley 1988 for the weights.
    """

    idf: Tensor
    keys: Tensor

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        solid: bool,
        *,
        longest: Annotated[int, Field(ge=1, le=6)] | Literal["auto"] = "auto",
        grams: Size = 100_000,
        linear: bool | Literal["auto"] = "auto",
        embedding: Annotated[int, Field(ge=0)] = 32,
        hidden: Size = 64,
        activation: str = "relu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        thin: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        scale: Annotated[float, Field(gt=0)] = 10.0,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.vocabulary, self.padding, self.scale = vocabulary, padding, scale
        self.longest = (4 if solid else 2) if longest == "auto" else longest
        self.straight = classes if linear is True or (linear == "auto" and classes <= _MANY) or not embedding else 0
        self.embedding = self._table(vocabulary, embedding)
        self.runs = self._table(grams, embedding) if self.longest > 1 else None
        self.register_buffer("keys", torch.full((grams if self.longest > 1 else 0,), _NONE))
        self.register_buffer("idf", torch.ones(vocabulary + len(self.keys)))
        self.idf[vocabulary:] = 0.0
        self.thin = Dropout(thin)
        self.bias = nn.Parameter(torch.zeros(classes)) if self.straight else None
        self.hidden: nn.Module | None = None
        if embedding:
            self.hidden = nn.Sequential(
                Dropout(dropout), nn.Linear(embedding, hidden), make_activation(activation), Dropout(dropout),
                nn.Linear(hidden, classes),
            )  # fmt: skip

    def _table(self, rows: int, embedding: int) -> nn.Embedding:
        made = nn.Embedding(rows, self.straight + embedding)
        nn.init.zeros_(made.weight[:, : self.straight])
        nn.init.normal_(made.weight[:, self.straight :], std=0.1)
        return made

    @torch.no_grad()
    def fit_texts(self, texts: Sequence[np.ndarray]) -> None:
        """texts: ids int (n,) of each training row, from which the known runs and the IDF come."""
        found = known(texts, self.vocabulary, self.longest, len(self.keys))
        self.keys[: len(found.keys)] = torch.from_numpy(found.keys)
        self.idf[: len(found.idf)] = torch.from_numpy(found.idf)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' vectors x (B, T, F) are given."""
        ids = ids.long()
        seen = real(lengths, ids.shape[1])
        weights = self.thin(self.idf[ids] * seen.to(x.dtype))
        total, squares = torch.einsum("btf,bt->bf", x, weights), weights.square().sum(1)
        codes = ids
        for size in range(2, self.longest + 1) if self.runs is not None else ():
            place, there = self._found(
                codes * self.vocabulary + pad(ids, (0, size))[:, size - 1 : size - 1 + ids.shape[1]]
            )
            there &= real((lengths - size + 1).clamp_min(0), ids.shape[1])
            codes = torch.where(there, self.vocabulary + place, len(self.idf))
            weights = self.thin(self.idf[self.vocabulary + place] * there.to(x.dtype))
            total = total + torch.einsum("btf,bt->bf", self.runs(place), weights)  # type: ignore[misc]
            squares = squares + weights.square().sum(1)
        total = total * (self.scale / squares.clamp_min(1e-6).sqrt())[:, None]
        parts: list[Tensor] = []
        if self.bias is not None:
            parts.append(total[:, : self.straight] + self.bias)
        if self.hidden is not None:
            parts.append(self.hidden(total[:, self.straight :]))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _found(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """int64 (B, T) → (where each stands among the known keys, or may, whether it does)."""
        last = len(self.keys) - 1
        if (
            torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
        ):  # a graph of operations that every runtime has
            place = torch.zeros_like(keys)
            for power in reversed(range(last.bit_length() + 1)):
                ahead = (place + (1 << power)).clamp_max(last + 1)
                place = torch.where(self.keys[ahead - 1] < keys, ahead, place)
        else:
            place = torch.searchsorted(self.keys, keys)
        place = place.clamp_max(last)
        return place, self.keys[place] == keys

    def spread(self, shares: list[Tensor]) -> Tensor:
        """What an answer owes to each token, (T,): shares (T,) of tokens, then of runs of 2, 3, …, which their tokens divide evenly."""
        total = shares[0].clone()
        for size, found in enumerate(shares[1:], start=2):
            for at in range(size):
                total[at:] += found[: len(found) - at] / size
        return total
