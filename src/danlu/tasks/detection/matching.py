"""Which boxes of an image hit which objects, at COCO's ten overlaps and for its sizes of objects (Lin et al. 2014), by its rules."""

from __future__ import annotations

import numpy as np

OVERLAPS = np.linspace(0.5, 0.95, 10)
MOST = 100  # boxes of a class that count in an image
RANGES: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Areas of objects in pixels², both ends inside."""
_ASKED = np.minimum(OVERLAPS, 1 - 1e-10)[:, None]
_BITS = (1 << np.arange(len(OVERLAPS))).astype(np.uint16)


def match(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of ``found`` that count, best first; uint16 hit, ignored: a bit for each overlap), for objects of all sizes.

    found: (n, 6) = x1, y1, x2, y2, score, class; truth: (m, 7), the sixth of which is 1 for a crowd. Best first each box takes the
    object of its class that it overlaps most, the last of equals; where it overlaps none enough that is still free, a crowd, which
    any number of boxes may take and which makes them neither right nor wrong.
    """
    order, _ = counting(found)
    hit, ignored = _in_range(overlaps(found[order], truth), truth[:, 5] > 0, np.zeros(len(truth), bool))
    return order, hit, ignored


def match_by_size(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(rows that count, best first; uint8 their ranks within their class; uint16 hit (n, 4), ignored (n, 4), for :data:`RANGES`).

    An object of another size is ignored like a crowd, but only one box may take it; so is a box of another size that takes nothing.
    """
    order, rank = counting(found)
    shared, crowd = overlaps(found[order], truth), truth[:, 5] > 0
    hit, ignored = (np.zeros((len(order), len(RANGES)), np.uint16) for _ in range(2))
    sides = found[order, 2:4].astype(np.float64) - found[order, :2]
    ours, theirs = sides.prod(1), truth[:, 6].astype(np.float64)
    for place, (least, most) in enumerate(RANGES.values()):
        other = (theirs < least) | (theirs > most)
        hit[:, place], ignored[:, place] = _in_range(shared, crowd, other)
        strange = (ours < least) | (ours > most)
        ignored[strange, place] |= ~hit[strange, place] & np.uint16(_BITS.sum())
    return order, rank, hit, ignored


def counting(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64 rows that count, best first; uint8 how many of the same class come before each)."""
    order = np.argsort(-found[:, 4], kind="stable")
    rank = _rank(found[order, 5])
    kept = rank < MOST
    return order[kept], rank[kept].astype(np.uint8)


def _in_range(shared: np.ndarray, crowd: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint16 hit, ignored (n,) of boxes, best first. shared: (n, m) overlaps. other: objects (m,) that are ignored and no crowds."""
    hit, ignored = (np.zeros(len(shared), np.uint16) for _ in range(2))
    if not shared.size:
        return hit, ignored
    wanted, taken = ~(crowd | other), np.flatnonzero(other & ~crowd)
    crowded = shared[:, crowd].max(1, initial=-1.0)
    if not len(taken):
        ignored[:] = (crowded >= _ASKED).T @ _BITS
    objects, others = shared[:, wanted], shared[:, taken]
    free, open_ = (np.ones((len(OVERLAPS), part.shape[1]), bool) for part in (objects, others))
    near = objects.max(1, initial=-1.0)
    if len(taken):
        near = np.maximum(near, np.maximum(others.max(1), crowded))
    for place in np.flatnonzero(near >= OVERLAPS[0]):
        levels = _take(objects[place], free)
        hit[place] = _BITS[levels].sum()
        if len(taken):
            left = np.setdiff1d(np.arange(len(OVERLAPS)), levels)
            ignored[place] = _BITS[
                _pass_over(others[place], open_, crowded[place], left, taken, shared[place], crowd)
            ].sum()
    return hit, ignored & ~hit


def _take(row: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Overlaps' places at which a box takes an object: the one it overlaps most, the last of equals. It is free no more."""
    if not len(row):
        return np.empty(0, np.int64)
    fits = np.where(free & (row >= _ASKED), row, -1.0)[:, ::-1]
    levels = np.flatnonzero(fits.max(1) >= 0)
    free[levels, len(row) - 1 - fits[levels].argmax(1)] = False
    return levels


def _pass_over(
    row: np.ndarray,
    free: np.ndarray,
    crowded: float,
    levels: np.ndarray,
    taken: np.ndarray,
    shared: np.ndarray,
    crowd: np.ndarray,
) -> np.ndarray:
    """Of ``levels`` those at which a box takes an object that is ignored: of another size (once), or a crowd."""
    found = []
    last_crowd = -1
    if crowded >= OVERLAPS[0]:
        last_crowd = int(np.flatnonzero(crowd & (shared == crowded))[-1])
    for level in levels:
        least = _ASKED[level, 0]
        fits = np.where(free[level] & (row >= least), row, -1.0)
        best = float(fits.max(initial=-1.0))
        place = len(fits) - 1 - int(fits[::-1].argmax())
        in_crowd = crowded >= least and (crowded > best or (crowded == best and last_crowd > taken[place]))
        if in_crowd or best >= 0:
            found.append(level)
        if not in_crowd and best >= 0:
            free[level, place] = False
    return np.asarray(found, np.int64)


def overlaps(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (n, m): IoU of boxes and objects of one class, with crowds the share of the box inside; -1 of different classes."""
    return np.where(found[:, 5, None] == truth[:, 4], overlaps_of_any(found, truth), -1.0)


def overlaps_of_any(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (n, m): the same, whatever the classes are."""
    ours, theirs = (np.asarray(rows[:, :4], np.float64) for rows in (found, truth))
    sizes, others = ours[:, 2:] - ours[:, :2], theirs[:, 2:] - theirs[:, :2]
    low = np.maximum(ours[:, None, :2], theirs[:, :2])
    high = np.minimum((ours[:, :2] + sizes)[:, None], theirs[:, :2] + others)
    both = (high - low).clip(min=0).prod(-1)
    area, other = sizes.prod(-1)[:, None], others.prod(-1)
    whole = np.where(truth[:, 5] > 0, area, area + other - both)
    result: np.ndarray = np.divide(both, whole, out=np.zeros_like(both), where=both > 0)
    return result


def _rank(classes: np.ndarray) -> np.ndarray:
    """int64 (n,): how many rows of the same class come before each."""
    order = np.argsort(classes, kind="stable")
    places = np.arange(len(order))
    fresh = np.diff(classes[order], prepend=np.nan) != 0
    rank = np.empty(len(order), np.int64)
    rank[order] = places - np.maximum.accumulate(np.where(fresh, places, 0))
    return rank
