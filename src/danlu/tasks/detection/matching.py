"""Which boxes of an image hit which objects, at COCO's ten overlaps (Lin et al. 2014), by its rules."""

from __future__ import annotations

import numpy as np

OVERLAPS = np.linspace(0.5, 0.95, 10)
MOST = 100  # boxes of a class that count in an image
_ASKED = np.minimum(OVERLAPS, 1 - 1e-10)[:, None]
_BITS = (1 << np.arange(len(OVERLAPS))).astype(np.uint16)


def match(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of ``found`` that count, best first; uint16 hit, ignored: a bit for each overlap).

    found: (n, 6) = x1, y1, x2, y2, score, class; truth: (m, 7), the sixth of which is 1 for a crowd. Best first each box takes the
    object of its class that it overlaps most, the last of equals; where it overlaps none enough that is still free, a crowd, which
    any number of boxes may take and which makes them neither right nor wrong.
    """
    order = np.argsort(-found[:, 4], kind="stable")
    order = order[_rank(found[order, 5]) < MOST]
    shared = overlaps(found[order], truth)
    single = truth[:, 5] == 0
    hit, ignored = (np.zeros(len(order), np.uint16) for _ in range(2))
    if truth[~single].size:
        ignored[:] = (shared[:, ~single].max(1) >= _ASKED).T @ _BITS
    objects = shared[:, single]
    free = np.ones((len(OVERLAPS), objects.shape[1]), bool)
    for place in np.flatnonzero(objects.max(1, initial=0.0) >= OVERLAPS[0]):
        row = objects[place]
        fits = np.where(free & (row >= _ASKED), row, -1.0)[:, ::-1]
        levels = np.flatnonzero(fits.max(1) >= 0)
        free[levels, len(row) - 1 - fits[levels].argmax(1)] = False
        hit[place] = _BITS[levels].sum()
    return order, hit, ignored & ~hit


def overlaps(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (n, m): IoU of boxes and objects of one class, with crowds the share of the box inside; -1 of different classes."""
    ours, theirs = (np.asarray(rows[:, :4], np.float64) for rows in (found, truth))
    sizes, others = ours[:, 2:] - ours[:, :2], theirs[:, 2:] - theirs[:, :2]
    low = np.maximum(ours[:, None, :2], theirs[:, :2])
    high = np.minimum((ours[:, :2] + sizes)[:, None], theirs[:, :2] + others)
    both = (high - low).clip(min=0).prod(-1)
    area, other = sizes.prod(-1)[:, None], others.prod(-1)
    whole = np.where(truth[:, 5] > 0, area, area + other - both)
    shares = np.divide(both, whole, out=np.zeros_like(both), where=both > 0)
    return np.where(found[:, 5, None] == truth[:, 4], shares, -1.0)


def _rank(classes: np.ndarray) -> np.ndarray:
    """int64 (n,): how many rows of the same class come before each."""
    order = np.argsort(classes, kind="stable")
    places = np.arange(len(order))
    fresh = np.diff(classes[order], prepend=np.nan) != 0
    rank = np.empty(len(order), np.int64)
    rank[order] = places - np.maximum.accumulate(np.where(fresh, places, 0))
    return rank
