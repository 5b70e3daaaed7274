"""Tokens by their letters: runs of 3 to 5 letters of each token, so that what is written alike begins alike (fastText's subwords)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

SIZES = (3, 4, 5)
PLACES = 24  # runs of a token, at most; the shorter ones first
_ASKED = 5_000  # texts by which the IDF is told
_LEAST = 2  # texts that a run must be in


class Letters(nn.Embedding):
    """Token ids (B, T) → (B, T, F): of each token the sum of its runs' vectors, each times its IDF. rows: runs that have a vector.

    Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", without their hashing.
    """

    places: Tensor
    idf: Tensor
    squares: Tensor

    def __init__(self, vocabulary: int, rows: int, width: int) -> None:
        super().__init__(rows + 1, width)  # the first is of no run
        self.register_buffer("places", torch.zeros(vocabulary, PLACES, dtype=torch.int64))
        self.register_buffer("idf", torch.zeros(rows + 1))
        self.register_buffer("squares", torch.zeros(vocabulary))  # of each token, the sum of its runs' squared IDF

    @torch.no_grad()
    def fit(self, texts: Sequence[np.ndarray], pieces: Sequence[str]) -> None:
        """texts: ids int (n,) of training rows; pieces: what each id is written as."""
        runs = [runs_of(piece) for piece in pieces]
        asked = (
            [texts[at] for at in np.unique(np.linspace(0, len(texts) - 1, _ASKED).astype(np.int64))]
            if len(texts)
            else []
        )
        counts: Counter[str] = Counter()
        for text in asked:
            counts.update({run for token in set(text.tolist()) for run in runs[token]})
        often = [(run, count) for run, count in counts.items() if count >= _LEAST]
        often.sort(key=lambda pair: (-pair[1], pair[0]))
        often = often[: len(self.idf) - 1]
        rows = {run: place for place, (run, _) in enumerate(often, start=1)}
        for token, found in enumerate(runs):
            known = [rows[run] for run in found if run in rows]
            self.places[token, : len(known)] = torch.tensor(known, dtype=torch.int64)
        told = np.log((1 + len(asked)) / (1 + np.asarray([count for _, count in often], np.float64))) + 1
        self.idf[1 : len(often) + 1] = torch.from_numpy(told).to(self.idf.dtype)
        self.squares.copy_(self.idf[self.places].square().sum(1))

    def forward(self, input: Tensor) -> Tensor:
        places = self.places[input]
        if torch.compiler.is_exporting():  # a graph of operations that every runtime has
            each: Tensor = super().forward(places) * self.idf[places][..., None]
            return each.sum(-2)
        flat = places.flatten(0, -2)
        found = embedding_bag(flat, self.weight, mode="sum", per_sample_weights=self.idf[flat])
        return found.reshape(*input.shape, self.embedding_dim)


def runs_of(piece: str) -> list[str]:
    """Of "cat": <ca, cat, at>, <cat, cat>, <cat>; each once."""
    word = f"<{piece}>"
    return list(dict.fromkeys(word[at : at + size] for size in SIZES for at in range(len(word) - size + 1)))[:PLACES]
