"""All pairs of embeddings, genuine and impostor, as arrays; of very many an even selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST = 1_000_000  # pairs that are looked at: a quarter of them genuine at most
_AT_ONCE = 2**22  # numbers gathered together


@dataclass(frozen=True)
class Pairs:
    """P pairs of N embeddings.

    embeddings: float32 (N, D), of length 1. identities: int64 (N,), from 0 without gaps; count: how many there are. left, right: int64
    (P,), places of the two. scores: float64 (P,), cosines. same: bool (P,). order: int64 (N,), where each of the N was given.
    """

    embeddings: np.ndarray
    identities: np.ndarray
    count: int
    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray
    same: np.ndarray
    order: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """int64 (P,): the identity of the first of each pair."""
        return np.asarray(self.identities[self.left])

    @property
    def second(self) -> np.ndarray:
        return np.asarray(self.identities[self.right])

    @property
    def both(self) -> bool:
        """Whether there are genuine pairs and impostor pairs."""
        return bool(self.same.any() and not self.same.all())

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """(D, P) from (D, identities), how often each identity counts: a pair as often as its identities do, a copy makes no pair."""
        first, second = self.first, self.second
        return np.where(self.same, weights[:, first], weights[:, first] * weights[:, second])


def unit(embeddings: np.ndarray) -> np.ndarray:
    """(N, D), made float32 of length 1; zeros stay zeros."""
    values = np.asarray(embeddings, np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    made: np.ndarray = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    return made


def every_pair(embeddings: np.ndarray, identities: np.ndarray, most: int = MOST) -> Pairs:
    """embeddings: float32 (N, D) of length 1. identities: int64 (N,). The order of the N plays no role."""
    _, codes = np.unique(identities, return_inverse=True)
    codes = codes.reshape(-1)
    keys = [embeddings[:, place] for place in range(min(3, embeddings.shape[1]))][::-1]
    order = np.lexsort((*keys, codes))
    embeddings, codes = embeddings[order], codes[order]
    count = int(codes.max()) + 1 if len(codes) else 0
    total = len(codes) * (len(codes) - 1) // 2
    if total <= most:
        left, right = np.triu_indices(len(codes), 1)
    else:
        left, right = _some(codes, total, most)
    scores = _scores(embeddings, left, right)
    return Pairs(embeddings, codes, count, left, right, scores, codes[left] == codes[right], order)


def _some(codes: np.ndarray, total: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Every so-manieth genuine pair and every so-manieth of all others. codes: sorted."""
    starts = np.flatnonzero(np.r_[True, np.diff(codes) > 0])
    sizes = np.diff(np.r_[starts, len(codes)])
    numbers = sizes * (sizes - 1) // 2
    room = max(1, most // 4 - len(sizes))  # each identity may have one more than its share
    step = max(1, -(-int(numbers.sum()) // room))
    blocks = []
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        place = np.arange(0, size * (size - 1) // 2, step)
        one, other = _unranked(place)
        blocks.append((one + start, other + start))
    place = np.arange(0, total, -(-total // (most - most // 4)))
    one, other = _unranked(place)
    apart = codes[one] != codes[other]
    blocks.append((one[apart], other[apart]))
    return np.concatenate([each for each, _ in blocks]), np.concatenate([each for _, each in blocks])


def _unranked(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pair (i, j), i < j, of each number 0, 1, 2, … when pairs are counted by j, then i."""
    second = ((1 + np.sqrt(1 + 8 * place.astype(np.float64))) / 2).astype(np.int64)
    second -= second * (second - 1) // 2 > place
    second += (second + 1) * second // 2 <= place
    return place - second * (second - 1) // 2, second


def _scores(embeddings: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    scores = np.empty(len(left))
    step = max(1, _AT_ONCE // embeddings.shape[1])
    for start in range(0, len(left), step):
        some = slice(start, start + step)
        scores[some] = np.einsum("pd,pd->p", embeddings[left[some]], embeddings[right[some]])
    return scores
