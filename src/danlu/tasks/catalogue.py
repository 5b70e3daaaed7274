"""What an index of embeddings can take from a trained net: vectors of all that it chooses from, and of whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Asked:
    """vector: (D,), whose inner products with a catalogue's vectors are the net's scores. without: ids that are no answers."""

    vector: np.ndarray
    without: frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """ids, labels ("" for none): N each. vectors: float32 (N, D). ask: by name; raises DataError for one that the net doesn't know."""

    ids: Sequence[str]
    labels: Sequence[str]
    vectors: np.ndarray
    ask: Callable[[str], Asked]
