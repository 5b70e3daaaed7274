"""Identification from one picture an identity: the expectation over all choices of these pictures, without drawing any."""

from __future__ import annotations

import numpy as np

_COMPARED = 100_000_000  # similarities that are looked at; of more, probes and pictures are thinned out evenly
_GALLERY = 10  # pictures of the own identity that are tried at most


def rank1(embeddings: np.ndarray, identities: np.ndarray) -> np.ndarray:
    """float64 (N,): the probability that a picture's own identity is the nearest, when of every identity one picture, drawn
    evenly, is known (of its own another one); NaN for an identity's only picture, and where a picture was left out.

    For the known picture g of the own identity: the product over all others of the share of their pictures that are less similar
    than g; a tie is a miss. The mean over g is exact. embeddings: (N, D), of length 1. identities: int64 (N,), sorted, from 0.
    """
    found = np.full(len(identities), np.nan)
    if not len(identities) or identities[-1] == 0:
        return found
    starts = np.flatnonzero(np.r_[True, np.diff(identities) > 0])
    sizes = np.diff(np.r_[starts, len(identities)])
    probes = np.flatnonzero(sizes[identities] > 1)
    tried = int(np.minimum(sizes[identities[probes]] - 1, _GALLERY).sum())
    step = max(1, tried * len(identities) // _COMPARED)
    for probe in probes[::step].tolist():
        own = int(identities[probe])
        scores = embeddings @ embeddings[probe]
        known = np.delete(np.arange(starts[own], starts[own] + sizes[own]), probe - starts[own])
        if len(known) > _GALLERY:
            known = known[np.linspace(0, len(known) - 1, _GALLERY).astype(np.int64)]
        less = np.add.reduceat(scores[None] < scores[known, None], starts, axis=1, dtype=np.int64) / sizes
        less[:, own] = 1.0
        found[probe] = less.prod(1).mean()
    return found
