"""Batches of similar length: less padding, still a pure function of (seed, epoch) (house rule 1).

Lengths are rounded up to steps of an eighth at most. An epoch's samples are put in order of that width, those of one width as the epoch
draws them; the sequence of widths is then the same in every epoch, and so are the places at which it is cut and the number of batches.
Which samples of a width meet, and in which order the batches come, is drawn anew for each epoch.
"""

from __future__ import annotations

import numpy as np

from danlu import randomness
from danlu.data.batches.order import Ask, Plan, bounds

_BATCHES = "order/buckets"


def widths(lengths: np.ndarray) -> np.ndarray:
    """int64: lengths, at least 1, rounded up so that less than an eighth is added; up to 16 they are as they are."""
    lengths = np.maximum(np.asarray(lengths, np.int64), 1)
    step = 2 ** np.maximum(0, np.floor(np.log2(lengths)).astype(np.int64) - 3)
    found: np.ndarray = -(-lengths // step) * step
    return found


def cuts(ask: Ask) -> np.ndarray:
    """int64 (M + 1,): where the batches of an epoch begin and end in the order of falling widths; the same for every epoch."""
    assert ask.lengths is not None
    if ask.tokens is None:
        return bounds(len(ask.rows), ask.size, ask.world)
    falling = np.sort(widths(ask.lengths))[::-1]
    edges = [0]
    while edges[-1] < len(falling):
        most = max(1, ask.tokens // int(falling[edges[-1]]))
        edges.append(min(len(falling), edges[-1] + most * ask.world))
    least = 2 * ask.world
    if len(edges) > 2 and edges[-1] - edges[-2] < least <= edges[-1] - edges[-3] - 1:
        edges[-2] = edges[-1] - least
    return np.asarray(edges, np.int64)


def bucketed(ask: Ask, slots: np.ndarray, keys: np.ndarray, epoch: int) -> Plan:
    """slots: int64 (S,), places in ``ask.rows`` as the epoch visits them; keys: uint64 (S,).

    Where samples are drawn with replacement, widths differ from epoch to epoch: the same number of batches then gets equal shares of
    the tokens. Without ``shuffle`` batches come longest first. ``drop_last`` has no meaning here: no batch is short by chance.
    """
    assert ask.lengths is not None
    width = widths(ask.lengths[slots])
    order = np.argsort(-width, kind="stable")
    edges = cuts(ask)
    if ask.weights is not None and ask.tokens is not None:
        edges = _equal(width[order], len(edges) - 1)
    turns = np.arange(len(edges) - 1)
    if ask.shuffle or ask.weights is not None:
        turns = randomness.order(ask.seed, _BATCHES, epoch, turns.astype(np.uint64))
    chosen = [order[edges[turn] : edges[turn + 1]] for turn in turns.tolist()]
    visited = np.concatenate(chosen) if chosen else order
    sizes = np.diff(edges)[turns]
    return Plan(ask.rows[slots[visited]], keys[visited], np.r_[0, np.cumsum(sizes)].astype(np.int64))


def _equal(width: np.ndarray, count: int) -> np.ndarray:
    """int64 (count + 1,): cuts of a falling sequence into parts of nearly the same sum, none empty."""
    total = np.cumsum(width)
    edges = np.r_[0, np.searchsorted(total, total[-1] * np.arange(1, count) / count, side="left") + 1, len(width)]
    places = np.arange(count + 1)
    edges = np.maximum.accumulate(edges - places) + places
    found: np.ndarray = np.minimum(edges, len(width) - places[::-1])
    return found
