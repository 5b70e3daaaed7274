"""N-grams by TF-IDF: a linear model of them, and a hidden layer beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from danlu.nn.activations import make_activation
from danlu.nn.dropout import Dropout
from danlu.nn.letters import Letters
from danlu.nn.ngrams import known
from danlu.nn.padding import real, unpadded

Size = Annotated[int, Field(ge=1)]
Table = TypeVar("Table", bound=nn.Embedding)
_NONE = torch.iinfo(torch.int64).max  # a key that no run has
_MANY = 64  # classes, from which on each run has no weight for each of them


class Ngrams(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    A text is the sum of the vectors of its tokens and of its runs of 2 … ``longest`` tokens, each times its IDF, divided by the root
    of the sum of these squared, times ``scale``. Known are the ``grams`` most frequent runs of which two training texts have each;
    others count for nothing. To it comes, with a root of its own, the sum of the tokens' letters (:class:`Letters`, of that many
    rows). A vector holds a weight for each class, which is a linear model by itself, and ``embedding`` values, which go through a
    layer of ``hidden`` units; the two are added. linear: whether there are the former.

    auto: linear up to 64 classes; longest 2 and letters 30,000, but 4 and none where a script has no spaces between words (``solid``).
    thin: share of tokens and runs that a step leaves out; dropout: of hidden values.

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
        letters: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto",
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
        width = self.straight + embedding
        self.embedding = self._begun(nn.Embedding(vocabulary, width))
        rows = (0 if solid else 30_000) if letters == "auto" else letters
        self.letters = self._begun(Letters(vocabulary, rows, width)) if rows else None
        self.runs = self._begun(nn.Embedding(grams, width)) if self.longest > 1 else None
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

    def _begun(self, table: Table) -> Table:
        nn.init.zeros_(table.weight[:, : self.straight])
        nn.init.normal_(table.weight[:, self.straight :], std=0.1)
        return table

    @torch.no_grad()
    def fit_texts(self, texts: Sequence[np.ndarray], pieces: Sequence[str]) -> None:
        """texts: ids int (n,) of each training row, from which the known runs and the IDF come; pieces: what each id is written as."""
        found = known(texts, self.vocabulary, self.longest, len(self.keys))
        self.keys[: len(found.keys)] = torch.from_numpy(found.keys)
        self.idf[: len(found.idf)] = torch.from_numpy(found.idf)
        if self.letters is not None:
            self.letters.fit(texts, pieces)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' vectors x (B, T, F) are given."""
        ids = ids.long()
        seen = real(lengths, ids.shape[1])
        weights = self.thin(self.idf[ids] * seen.to(x.dtype))
        total, squares = torch.einsum("btf,bt->bf", x, weights), weights.square().sum(1)
        codes, spelt = ids, None
        if self.letters is not None:
            told = self.thin(seen.to(x.dtype))
            written = torch.einsum("btf,bt->bf", self.letters(ids), told)
            spelt = self._scaled(written, (self.letters.squares[ids] * told.square()).sum(1))
        for size in range(2, self.longest + 1) if self.runs is not None else ():
            place, there = self._found(
                codes * self.vocabulary + pad(ids, (0, size))[:, size - 1 : size - 1 + ids.shape[1]]
            )
            there &= real((lengths - size + 1).clamp_min(0), ids.shape[1])
            codes = torch.where(there, self.vocabulary + place, len(self.idf))
            weights = self.thin(self.idf[self.vocabulary + place] * there.to(x.dtype))
            total = total + torch.einsum("btf,bt->bf", self.runs(place), weights)  # type: ignore[misc]
            squares = squares + weights.square().sum(1)
        total = self._scaled(total, squares)
        if spelt is not None:
            total = total + spelt
        parts: list[Tensor] = []
        if self.bias is not None:
            parts.append(total[:, : self.straight] + self.bias)
        if self.hidden is not None:
            parts.append(self.hidden(total[:, self.straight :]))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _scaled(self, total: Tensor, squares: Tensor) -> Tensor:
        return total * (self.scale / squares.clamp_min(1e-6).sqrt())[:, None]

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
        """What an answer owes to each token, (T,): shares (T,) of tokens, of their letters where there are such, then of runs of 2,
        3, …, which their tokens divide evenly.
        """
        alone = 1 if self.letters is None else 2
        total = torch.stack(shares[:alone]).sum(0)
        for size, found in enumerate(shares[alone:], start=2):
            for at in range(size):
                total[at:] += found[: max(0, len(found) - at)] / size
        return total
