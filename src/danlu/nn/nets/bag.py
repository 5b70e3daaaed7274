"""A bag of n-grams: the mean of their embeddings, and a linear layer (fastText)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from danlu.nn.activations import make_activation
from danlu.nn.padding import real, unpadded

Size = Annotated[int, Field(ge=1)]
_FACTORS = (1_000_003, 8_191, 131, 17, 3)


class Bag(nn.Module):
    """Token ids (B, T) → logits (B, classes).

    Embeddings of all tokens, and of all runs of 2 … ``ngrams`` tokens, are averaged. Runs have no list: each is hashed into one of
    ``buckets`` rows. hidden: units of a layer between the mean and the logits; 0: none. Texts as :class:`TextClassifier` takes them.
    Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification".
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        embedding: Size = 64,
        ngrams: Annotated[int, Field(ge=1, le=5)] = 2,
        buckets: Size = 50_000,
        hidden: Annotated[int, Field(ge=0)] = 0,
        activation: str = "relu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.vocabulary, self.ngrams, self.buckets, self.padding = vocabulary, ngrams, buckets, padding
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.runs = nn.Embedding(buckets, embedding) if ngrams > 1 else None
        for table in (self.embedding, self.runs):
            if table is not None:
                nn.init.uniform_(table.weight, -1 / embedding, 1 / embedding)
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        if hidden:
            layers += [nn.Linear(embedding, hidden), make_activation(activation), nn.Dropout(dropout)]
        self.between = nn.Sequential(*layers)
        self.head = nn.Linear(hidden or embedding, classes)

    def forward(self, tokens: Any, lengths: Tensor | None = None) -> Tensor:
        ids, lengths = unpadded(tokens, lengths, self.padding)
        return self.from_embedded(self.embedding(ids), ids, lengths)

    def from_embedded(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        """The logits, where the tokens' embeddings x (B, T, F) are given."""
        seen = real(lengths, ids.shape[1])
        total = (x * seen[:, :, None].to(x.dtype)).sum(1)
        count = lengths
        if self.runs is not None:
            ids = ids.long()
            for size in range(2, self.ngrams + 1):
                keys = sum(pad(ids, (0, size))[:, at : at + ids.shape[1]] * _FACTORS[at] for at in range(size))
                there = real((lengths - size + 1).clamp_min(0), ids.shape[1])
                found = self.runs((keys + size * 7919) % self.buckets)
                total = total + (found * there[:, :, None].to(x.dtype)).sum(1)
                count = count + (lengths - size + 1).clamp_min(0)
        logits: Tensor = self.head(self.between(total / count[:, None].to(x.dtype)))
        return logits

    def spread(self, shares: list[Tensor]) -> Tensor:
        """What an answer owes to each token, (T,): shares (T,) of tokens, then of runs of 2, 3, …, which their tokens divide evenly."""
        total = shares[0].clone()
        for size, found in enumerate(shares[1:], start=2):
            for at in range(size):
                total[at:] += found[: max(0, len(found) - at)] / size
        return total
