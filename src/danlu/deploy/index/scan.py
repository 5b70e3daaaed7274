"""Search through all vectors, exactly: a rough pass over bytes first where a native kernel is there, then the rest in float32.

The rough pass looks at int8 codes, a quarter of the bytes. How far its scores can be off is known, so that everything that could
belong to the nearest is looked at again, and what comes out is what a search through the float32 vectors gives.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

FEW = 4096  # vectors up to which a rough pass saves nothing
_BLOCKS = 1000  # of whose largest scores the bound of the k-th is taken
_TOGETHER = 2**24  # scores of several queries that are held at once


def kernels() -> Any | None:
    """The native kernels of the extra ``index``; None where it is not installed."""
    try:
        import numkong
    except ImportError:
        return None
    return numkong


class Scan:
    """vectors: float32 (N, D), which are not copied. rough: False never looks at codes."""

    def __init__(self, vectors: np.ndarray, rough: bool = True) -> None:
        self.vectors = vectors
        self._kernels = kernels() if rough and len(vectors) > FEW else None

    def __call__(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """(int64 places, float32 scores), both (Q, min(k, N)): the largest inner products, falling; of equals the earlier first.

        queries: float32 (Q, D).
        """
        k = min(k, len(self.vectors))
        if not k or not len(queries):
            return np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
        if self._kernels is not None and len(queries) <= 4:
            found = [self._one(query, k) for query in queries]
        else:
            found = []
            step = max(1, _TOGETHER // len(self.vectors))
            for start in range(0, len(queries), step):
                block = queries[start : start + step] @ self.vectors.T
                found += [best(scores, np.arange(0), k) for scores in block]
        return np.stack([places for places, _ in found]), np.stack([scores for _, scores in found])

    @cached_property
    def _codes(self) -> tuple[np.ndarray, float, float, float]:
        """(int8 (N, D), step, largest ‖vector - code·step‖, largest ‖code·step‖)."""
        step = max(float(np.abs(self.vectors).max(initial=0.0)) / 127, 1e-30)
        codes = np.empty(self.vectors.shape, np.int8)
        off = length = 0.0
        for start in range(0, len(codes), FEW):
            some = self.vectors[start : start + FEW]
            rounded = np.rint(some / np.float32(step))
            codes[start : start + FEW] = rounded
            off = max(off, float(np.linalg.norm(some - rounded * np.float32(step), axis=1).max()))
            length = max(length, float(np.linalg.norm(rounded, axis=1).max()) * step)
        return codes, step, off * (1 + 1e-5), length * (1 + 1e-5)

    def _one(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        assert self._kernels is not None
        codes, step, off, length = self._codes
        unit = max(float(np.abs(query).max()) / 127, 1e-30)
        code = np.rint(query / np.float32(unit)).astype(np.int8)
        dots = np.asarray(self._kernels.cdist(code[None], codes, metric="dot", threads=1)).reshape(-1)
        rough = float(np.linalg.norm(query - code * np.float32(unit)))
        bound = (float(np.linalg.norm(query)) * off + rough * length) * (1 + 1e-5) / (step * unit)
        least = self._kth(dots, k) - 2 * bound
        places = np.flatnonzero(dots >= least)
        if len(places) > len(codes) // 4:
            return best(self.vectors @ query, np.arange(0), k)
        return best(self.vectors[places] @ query, places, k)

    @staticmethod
    def _kth(dots: np.ndarray, k: int) -> float:
        """At most the k-th largest: that of the largest of blocks, which are k different ones."""
        size = len(dots) // _BLOCKS
        if size < 2 or k > _BLOCKS:
            return float(np.partition(dots, len(dots) - k)[len(dots) - k])
        largest = dots[: size * _BLOCKS].reshape(_BLOCKS, size).max(1)
        return float(np.partition(largest, _BLOCKS - k)[_BLOCKS - k])


def best(scores: np.ndarray, places: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest, falling, of equals the earlier first. places: int64, what the scores are of; empty: of 0, 1, 2, …"""
    if len(scores) > k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        chosen = np.flatnonzero(scores >= least)
    else:
        chosen = np.arange(len(scores))
    order = chosen[np.argsort(-scores[chosen], kind="stable")][:k]
    return (places[order] if len(places) else order), scores[order].astype(np.float32)
