"""Unigram pieces (Kudo 2018, "Subword Regularization", the model of SentencePiece), learnt so that the same texts always give the same.

The trainer of the library ``tokenizers`` adds up in the order of a hash table: its scores, and now and then its pieces, differ from one
process to the next. What is learnt here is handed to it as data, and it does the cutting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

LONGEST = 16  # characters of a piece
_CHUNK = 32  # characters of a word that are looked at together
_SEEDS = 8  # candidates, in pieces that are wanted
_MOST_SEEDS = 200_000
_KEPT = 0.75  # share of the pieces that outlive a round
_ROUNDS = 2  # of expectation and maximisation before each
_FEW = 0.5  # expected occurrences under which a piece goes
_NEVER = -1e30


def unigrams(words: Mapping[str, int], size: int, alphabet: frozenset[str]) -> list[tuple[str, float]]:
    """(piece, log-probability), the likeliest first; at most ``size``, with every letter of ``alphabet`` among them.

    words: how often each occurs. Letters outside of ``alphabet`` stand between words.
    """
    chunks: Counter[str] = Counter()
    for word, count in words.items():
        for part in _known(word, alphabet):
            for start in range(0, len(part), _CHUNK):
                chunks[part[start : start + _CHUNK]] += count
    if not chunks:
        return []
    texts = sorted(chunks)
    lattice = _Lattice(texts, np.asarray([chunks[text] for text in texts], np.float64))
    found = _seeds(chunks, min(_MOST_SEEDS, _SEEDS * size))
    letters = sorted(set("".join(texts)))
    room = max(size, len(letters))
    scores = _scores({**dict.fromkeys(letters, 1.0), **found})
    while True:
        for _ in range(_ROUNDS):
            counts = lattice.expected(scores)
            scores = _scores({piece: n for piece, n in counts.items() if n >= _FEW or len(piece) == 1})
        longer = [piece for piece in scores if len(piece) > 1]
        keep = room - len(letters)
        if len(longer) <= keep:
            break
        worth = _worth(longer, scores, counts)
        order = sorted(zip(longer, worth, strict=True), key=lambda pair: (-pair[1], pair[0]))
        longer = [piece for piece, _ in order[: max(keep, int(_KEPT * len(longer)))]]
        scores = _scores({piece: max(counts.get(piece, 0.0), _FEW) for piece in [*letters, *longer]})
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


class _Lattice:
    """All ways of cutting texts into pieces. weights: float64, how often each text counts."""

    def __init__(self, texts: Sequence[str], weights: np.ndarray | None = None) -> None:
        self.texts = texts
        self.weights = np.ones(len(texts)) if weights is None else weights
        sizes = np.asarray([len(text) for text in texts])
        self.groups = [np.flatnonzero(sizes == size) for size in sorted(set(sizes.tolist()))]

    def _edges(self, group: np.ndarray, index: Mapping[str, int]) -> np.ndarray:
        """int64 (N, n, L): the piece that ends at place t and is l + 1 long, -1 where there is none."""
        size = len(self.texts[group[0]])
        most = min(LONGEST, size)
        found = np.full((len(group), size, most), -1, np.int64)
        for row, place in enumerate(group.tolist()):
            text = self.texts[place]
            for end in range(1, size + 1):
                for length in range(1, min(most, end) + 1):
                    found[row, end - 1, length - 1] = index.get(text[end - length : end], -1)
        return found

    def expected(self, scores: Mapping[str, float]) -> dict[str, float]:
        """How often each piece is expected to be used: forward and backward over every text."""
        index = {piece: place for place, piece in enumerate(scores)}
        values = np.asarray([*scores.values(), _NEVER])
        total = np.zeros(len(values))
        for group in self.groups:
            edges = self._edges(group, index)
            rows, size, most = edges.shape
            cost = values[edges]
            before = np.full((rows, size + 1), _NEVER)
            after = before.copy()
            before[:, 0] = after[:, size] = 0.0
            for end in range(1, size + 1):
                spans = min(most, end)
                starts = before[:, end - spans : end][:, ::-1]  # of lengths 1, 2, …
                before[:, end] = np.logaddexp.reduce(starts + cost[:, end - 1, :spans], 1)
            for start in range(size - 1, -1, -1):
                ends = np.arange(start, min(size, start + most))
                after[:, start] = np.logaddexp.reduce(after[:, ends + 1] + cost[:, ends, ends - start], 1)
            for end in range(1, size + 1):
                spans = min(most, end)
                starts = before[:, end - spans : end][:, ::-1]
                chance = np.exp(starts + cost[:, end - 1, :spans] + after[:, end, None] - before[:, size, None])
                np.add.at(total, edges[:, end - 1, :spans], chance * self.weights[group, None])
        return dict(zip(scores, total[:-1].tolist(), strict=True))

    def best(self, scores: Mapping[str, float]) -> np.ndarray:
        """float64: the log-probability of the best way of cutting each text that is not the text itself as one piece."""
        index = {piece: place for place, piece in enumerate(scores)}
        values = np.asarray([*scores.values(), _NEVER])
        found = np.full(len(self.texts), _NEVER)
        for group in self.groups:
            edges = self._edges(group, index)
            rows, size, most = edges.shape
            if most == size:
                edges[:, size - 1, size - 1] = -1
            cost = values[edges]
            before = np.full((rows, size + 1), _NEVER)
            before[:, 0] = 0.0
            for end in range(1, size + 1):
                spans = min(most, end)
                before[:, end] = (before[:, end - spans : end][:, ::-1] + cost[:, end - 1, :spans]).max(1)
            found[group] = before[:, size]
        return found


def _worth(pieces: Sequence[str], scores: Mapping[str, float], counts: Mapping[str, float]) -> list[float]:
    """By how much the texts' log-probability would fall without each piece, all others kept."""
    ordered = sorted(pieces)
    without = dict(zip(ordered, _Lattice(ordered).best(scores).tolist(), strict=True))
    return [counts.get(piece, 0.0) * (scores[piece] - without[piece]) for piece in pieces]


def _seeds(chunks: Mapping[str, int], most: int) -> dict[str, float]:
    """Runs of two letters and more that occur twice or more, the most by occurrences times length."""
    found: Counter[str] = Counter()
    for text, count in chunks.items():
        for start in range(len(text)):
            for end in range(start + 2, min(len(text), start + LONGEST) + 1):
                found[text[start:end]] += count
    often = [(piece, n) for piece, n in found.items() if n >= 2 and "\u2581" not in piece[1:]]
    often.sort(key=lambda pair: (-pair[1] * len(pair[0]), pair[0]))
    return {piece: float(n) for piece, n in often[:most]}


def _scores(counts: Mapping[str, float]) -> dict[str, float]:
    total = np.log(sum(max(n, 1e-6) for n in counts.values()))
    return {piece: float(np.log(max(n, 1e-6)) - total) for piece, n in counts.items()}


def _known(word: str, alphabet: frozenset[str]) -> list[str]:
    return [part for part in "".join(letter if letter in alphabet else " " for letter in word).split(" ") if part]
