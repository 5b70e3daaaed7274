"""Which samples each micro-batch of an epoch holds: a pure function of (seed, epoch, sample keys), never of history.

The epoch is one global sequence that knows nothing of ranks; it is cut into global batches, and each rank takes its
share of every one. Where lengths are given, batches are of similar length (:mod:`danlu.data.batches.buckets`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from danlu import randomness
from danlu.large.arrays import blocks, gathered, zeros
from danlu.large.sorting import sort_order

_SAMPLER = "sampler"
_ORDER = "order"
_REPEAT = "sampler/repeat"


@dataclass(frozen=True)
class Ask:
    """What a plan is made from.

    rows: int64 (N,), rows of the dataset. keys: uint64 (N,), their sample keys. size: samples in one rank's
    micro-batch.
    weights: float64 (N,) for sampling with replacement, or None. world: number of ranks.
    lengths: int64 (N,) of the rows, for batches of similar length, or None. tokens: most of them in one rank's micro-batch, padding
    counted, instead of ``size`` samples; None: ``size`` samples.
    """

    rows: np.ndarray
    keys: np.ndarray
    seed: int
    size: int
    shuffle: bool
    drop_last: bool = False
    weights: np.ndarray | None = None
    world: int = 1
    lengths: np.ndarray | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Plan:
    """One epoch of all ranks. rows: int64 (S,) as visited. keys: uint64 (S,). bounds: int64 (M + 1,): batch i is
    rows[bounds[i]:bounds[i + 1]].
    """

    rows: np.ndarray
    keys: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def share(self, index: int, rank: int = 0, world: int = 1) -> slice:
        """Where rank's part of global batch ``index`` lies in ``rows``: parts are contiguous and differ by at most one
        sample.
        """
        start, stop = int(self.bounds[index]), int(self.bounds[index + 1])
        return slice(start + (stop - start) * rank // world, start + (stop - start) * (rank + 1) // world)


Planner = Callable[[Ask, int], Plan]


def plan(ask: Ask, epoch: int) -> Plan:
    """The plan of one epoch: shuffled by key, sampled by weight, or as the rows come; then by length where lengths are given."""
    if ask.lengths is not None:
        from danlu.data.batches.buckets import bucketed

        return bucketed(ask, *visited(ask, epoch), epoch)
    edges = bounds(len(ask.rows), ask.size, ask.world, ask.drop_last)
    if ask.weights is None and not ask.shuffle:  # nothing is copied
        return Plan(ask.rows, ask.keys, edges)
    slots, keys = visited(ask, epoch)
    return Plan(gathered(ask.rows, slots), keys, edges)


def visited(ask: Ask, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64 (S,), places in ``ask.rows`` as an epoch visits them; uint64 (S,), their keys)."""
    if ask.weights is not None:
        slots, turns = draw(ask.weights, ask.seed, epoch)
        return slots, repeated(ask.keys[slots], turns)
    slots = _shuffled(ask, epoch) if ask.shuffle else np.arange(len(ask.rows))
    return slots, gathered(ask.keys, slots)


def _shuffled(ask: Ask, epoch: int) -> np.ndarray:
    """int64 (N,): :func:`danlu.randomness.order`."""
    drawn = zeros(len(ask.keys), np.uint64)
    for some in blocks(len(drawn), drawn, ask.keys):
        drawn[some] = randomness.bits(ask.seed, _ORDER, epoch, ask.keys[some], 1)[:, 0]
    return sort_order(drawn)


def bounds(samples: int, size: int, world: int = 1, drop_last: bool = False) -> np.ndarray:
    """int64 (M + 1,): where the global batches of ``size · world`` samples begin and end.

    No sample stands twice and, unless ``drop_last``, none is left out (an epoch's only batch never is). Where the last
    batch would give a rank fewer than two samples, it takes some of the batch before it: a share must not be empty, and
    batch norm can't learn from a single sample (torch refuses it in the middle of an epoch). That is impossible only
    where size is 1 or 2, or there are too few samples.
    """
    whole = size * world
    edges = np.arange(0, samples + 1, whole, dtype=np.int64)
    rest = samples - int(edges[-1])
    if rest and (not drop_last or len(edges) == 1):
        edges = np.append(edges, samples)
        least = 2 * world if size > 2 else world
        if rest < least and len(edges) > 2 and size > 1:
            edges[-2] = samples - least
    return edges


def draw(weights: np.ndarray, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """N draws with replacement, P(i) = wᵢ / Σw: (index, turn), both int64 (N,); draw s depends on (seed, epoch, s) alone.

    turn: 0 where the index is drawn for the first time in the epoch, then 1, 2, … in no particular order.
    """
    count = len(weights)
    cumulative = np.cumsum(weights, dtype=np.float64)
    drawn = randomness.bits(seed, _SAMPLER, epoch, np.arange(count, dtype=np.uint64), 1)[:, 0]
    by_value = np.argsort(drawn)  # sorted, the search walks through memory instead of jumping
    targets = (drawn[by_value] >> np.uint64(11)).astype(np.float64) * (2.0**-53 * cumulative[-1])
    found = np.searchsorted(cumulative, targets, side="right")
    found = np.minimum(found, np.flatnonzero(weights)[-1])  # rounding can reach the very end
    index, turn = np.empty(count, np.int64), np.empty(count, np.int64)
    index[by_value] = found
    places = np.arange(count)
    fresh = np.concatenate([[True], found[1:] != found[:-1]])
    turn[by_value] = places - np.maximum.accumulate(np.where(fresh, places, 0))
    return index, turn


def repeated(keys: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """uint64 (S,): the keys, those of later turns changed, so that a sample drawn twice is augmented in two ways."""
    result = keys.copy()
    again = np.flatnonzero(turns)
    result[again] ^= randomness.bits(0, _REPEAT, 0, turns[again].astype(np.uint64), 1)[:, 0]
    return result
