"""Groups that copies join: documents that share a sentence stay in one part, and so do those that share one with these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.data.split import joined


@dataclass(frozen=True)
class Chain:
    """The most rows that stay together because groups have copies in common: how many ``groups`` of ``of``, and ``rows``."""

    groups: int
    of: int
    rows: int


def longest_chain(groups: np.ndarray, copies: np.ndarray) -> Chain | None:
    """groups, copies: (N,), equal for rows of one group, and for rows that are copies or near copies. None where no copy joins two."""
    names, group = np.unique(groups, return_inverse=True)
    _, copy = np.unique(copies, return_inverse=True)
    pairs = np.unique(np.stack([copy.reshape(-1), group.reshape(-1)]), axis=1)
    shared = np.bincount(pairs[0])[pairs[0]] > 1  # copies of a single group join nothing: few are left, whatever N is
    if not shared.any():
        return None
    units = joined(pairs[0][shared], pairs[1][shared])
    assert units is not None
    whole = np.full(len(names), -1, np.int64)
    whole[pairs[1][shared]] = units
    sizes = np.bincount(group.reshape(-1), minlength=len(names))
    chained = np.flatnonzero(whole >= 0)
    rows = np.bincount(whole[chained], sizes[chained])
    largest = int(rows.argmax())
    return Chain(int((whole == largest).sum()), len(names), int(rows[largest]))
