"""N-grams by TF-IDF, a linear model and a hidden layer; and by what each tells of the classes, a linear model of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from danlu.large.pace import Pace
from danlu.messages import say
from danlu.nn.activations import make_activation
from danlu.nn.dropout import Dropout
from danlu.nn.letters import Letters
from danlu.nn.ngrams import known, telling
from danlu.nn.padding import real, unpadded

Size = Annotated[int, Field(ge=1)]
Table = TypeVar("Table", bound=nn.Embedding)
_NONE = torch.iinfo(torch.int64).max  # a key that no run has
_MANY = 64  # classes, from which on each run has no weight for each of them
_DOUBLINGS = 16  # of a text's length that are told apart
_SHARED = 2**-0.5  # of two parts' sum: they learn at the rate at which one would, for a step moves both


class Ngrams(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    A text is the sum of the vectors of its tokens and of its runs of 2 … ``longest`` tokens, each times its IDF, divided by the root
    of the sum of these squared, times ``scale``. Known are the ``grams`` most frequent runs of which two training texts have each;
    others count for nothing. To it comes, with a root of its own, the sum of the tokens' letters (:class:`Letters`, of that many
    rows). A vector holds a weight for each class, which is a linear model by itself, and ``embedding`` values, which go through a
    layer of ``hidden`` units; the two are added. linear: whether there are the former.

    ratios: to it is added another linear model, in which a token or run counts once, however often a text has it, by how much it
    tells of the classes (:func:`telling`, from the training rows' labels) instead of by its IDF; and a weight for each doubling of
    the text's length, which is lost where a root divides.

    auto: linear up to 64 classes, ratios where it is and the classes exclude each other (``exclusive``); longest 2 and letters 30,000,
    but 4 and none where a script has no spaces between words (``solid``).
    thin: share of tokens and runs that a step leaves out; dropout: of hidden values.

    It is meant for SGD: a rare run then moves as little as it is seen, while Adam moves it as far as the others. Joulin et al. 2016,
    "Bag of Tricks for Efficient Text Classification"; Salton and Buckley 1988 for the weights; Wang and Manning 2012, "Baselines and
    Bigrams", for the ratios. Weights of a time without ``ratios`` are loaded as they were, and the part is left out.
    """

    idf: Tensor
    keys: Tensor
    told: Tensor | None
    sizes: nn.Parameter | None

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        solid: bool,
        exclusive: bool = False,
        *,
        longest: Annotated[int, Field(ge=1, le=6)] | Literal["auto"] = "auto",
        grams: Size = 100_000,
        letters: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto",
        linear: bool | Literal["auto"] = "auto",
        ratios: bool | Literal["auto"] = "auto",
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
        self.weighed = self.straight + embedding  # columns weighed by IDF; behind them stand those of the ratios
        by_ratios = ratios is True or (ratios == "auto" and exclusive and self.straight > 0)
        width = self.weighed + (classes if by_ratios else 0)
        self.embedding = self._begun(nn.Embedding(vocabulary, width))
        rows = (0 if solid else 30_000) if letters == "auto" else letters
        self.letters = self._begun(Letters(vocabulary, rows, self.weighed)) if rows else None
        self.runs = self._begun(nn.Embedding(grams, width)) if self.longest > 1 else None
        self.register_buffer("keys", torch.full((grams if self.longest > 1 else 0,), _NONE))
        self.register_buffer("idf", torch.ones(vocabulary + len(self.keys)))
        self.idf[vocabulary:] = 0.0
        self.register_buffer("told", (self.idf > 0).float() if by_ratios else None)
        self.sizes = nn.Parameter(torch.zeros(_DOUBLINGS, classes)) if by_ratios else None
        if by_ratios:
            self.register_load_state_dict_pre_hook(_without_ratios)  # type: ignore[no-untyped-call]
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
        nn.init.normal_(table.weight[:, self.straight : self.weighed], std=0.1)
        nn.init.zeros_(table.weight[:, self.weighed :])
        return table

    @torch.no_grad()
    def fit_texts(self, texts: Sequence[np.ndarray], pieces: Sequence[str], labels: np.ndarray | None = None) -> None:
        """What is computed from the training rows: the known runs, the IDF, the ratios.

        texts: ids int (n,) of each row; pieces: what each id is written as; labels: class int (N,) of each, -1 where it isn't known, or
        of several labels (N, classes), above 0 where a text has one. Without labels every known run tells as much as any other.
        """
        count, passes = len(texts), self.longest + (self.letters is not None) + (self.told is not None)
        pace, done = Pace(None, say("nn.ngrams.fitting"), count * passes), 0

        def further() -> None:
            nonlocal done
            done += count
            pace(done)

        pace.begin()
        found = known(texts, self.vocabulary, self.longest, len(self.keys), further)
        done = count * self.longest  # however short the texts are
        self.keys[: len(found.keys)] = torch.from_numpy(found.keys)
        self.idf[: len(found.idf)] = torch.from_numpy(found.idf)
        if self.letters is not None:
            self.letters.fit(texts, pieces)
            further()
        if self.told is not None:
            self.told.copy_(self.idf > 0)
            if labels is not None:
                self._tell(texts, labels, found.keys, lambda some: pace(done + some))
        pace.end(count * passes)

    def _tell(
        self, texts: Sequence[np.ndarray], labels: np.ndarray, keys: np.ndarray, heard: Callable[[int], None]
    ) -> None:
        assert self.told is not None
        rows = np.flatnonzero(labels >= 0) if labels.ndim == 1 else np.arange(len(labels))
        several = range(self.embedding.embedding_dim - self.weighed)
        members = np.stack([labels[rows] == each for each in several], 1) if labels.ndim == 1 else labels > 0
        told = telling([texts[int(row)] for row in rows], members, keys, self.vocabulary, self.longest, heard)
        self.told[: len(told)] = torch.from_numpy(told)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' vectors x (B, T, F) are given."""
        ids = ids.long()
        seen = real(lengths, ids.shape[1])
        codes, spelt = ids, None
        total, squares = self._summed(x, codes, seen)
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
            more, square = self._summed(self.runs(place), self.vocabulary + place, there)  # type: ignore[misc]
            total, squares = total + more, squares + square
        weighed = self._scaled(total[:, 0, : self.weighed], squares[:, 0])
        if spelt is not None:
            weighed = weighed + spelt
        parts: list[Tensor] = []
        if self.bias is not None:
            parts.append(weighed[:, : self.straight] + self.bias)
        if self.hidden is not None:
            parts.append(self.hidden(weighed[:, self.straight :]))
        logits = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        if self.sizes is None:
            return logits
        doublings = (lengths[:, None] >= 2 ** torch.arange(1, _DOUBLINGS, device=lengths.device)).sum(1)
        told = self._scaled(total[:, 1, self.weighed :], squares[:, 1])
        return (logits + told + self.sizes[doublings]) * _SHARED

    def _summed(self, x: Tensor, codes: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, F), each times its weight, (B, W, F), and the weights' squares, (B, W): of W = 1, IDF, or 2, the ratios too."""
        weights = self.thin(self.idf[codes] * there.to(x.dtype))
        if self.told is None:
            return torch.einsum("btf,bt->bf", x, weights)[:, None], weights.square().sum(1, keepdim=True)
        once = self.thin(self.told[codes] * (there & first(codes, there)).to(x.dtype))
        both = torch.stack([weights, once], 2)
        return torch.einsum("btf,btw->bwf", x, both), both.square().sum(1)

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


def first(codes: Tensor, there: Tensor) -> Tensor:
    """bool (B, T): whether a code stands there for the first time in its row. codes: int64 (B, T); there: which of them count."""
    kept = torch.where(there, codes, -1)
    if (
        torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
    ):  # ONNX has no sort; of equals its TopK takes the earlier first
        ordered, places = kept.topk(kept.shape[1], dim=1, largest=False)
    else:
        ordered, places = kept.sort(dim=1, stable=True)
    new = torch.cat([torch.ones_like(there[:, :1]), ordered[:, 1:] != ordered[:, :-1]], 1)
    return there & torch.zeros_like(there).scatter(1, places, new)


def _without_ratios(net: Ngrams, tensors: dict[str, Any], prefix: str, *_: Any) -> None:
    """Makes of ``net`` what it was before there were ratios, where the weights to be loaded have none."""
    if f"{prefix}told" in tensors or f"{prefix}idf" not in tensors or net.told is None:
        return
    for table in (net.embedding, net.runs):
        if table is not None:
            table.weight.data = table.weight.data[:, : net.weighed].clone()
            table.embedding_dim = net.weighed
    net.told = net.sizes = None
