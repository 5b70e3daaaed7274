"""A detector's errors by what is wrong (Bolya et al. 2020, "TIDE"), as counts over images."""

from __future__ import annotations

import math

import numpy as np

from danlu.metrics.base import Columns, Metric
from danlu.tasks.detection.matching import match, overlaps_of_any

SURE = 0.3  # a box that scores less is no answer
RIGHT, WRONG_CLASS, POOR_BOX, DOUBLE, BACKGROUND, IGNORED = range(6)
ERRORS = ("missed", "wrong-class", "poor-box", "double", "background")
_FOUND, _NEAR = 0.5, 0.1  # overlaps from which an object is found, and from which a box has to do with it


def sort_errors(found: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of ``found`` that are judged, best first; int64 (n,) what each is; bool (m,) objects that were missed).

    found: (n, 6) = x1, y1, x2, y2, score, class; truth: (m, 7). A box is right where it hits (an overlap of .5, its class, the best
    score), and ignored in a crowd. Else it is the first of these that holds: a double (on an object of its class that a better box
    has), of the wrong class (an overlap of .5 with an object of another), a poor box (.1 to .5 with one of its class), of the wrong
    class (.1 to .5 with one of another), background. Missed is an object that no box hits, and on which no poor box and none of the
    wrong class lies.
    """
    rows = found[found[:, 4] >= SURE]
    order, hit, ignored = match(rows, truth)
    rows = rows[order]
    single = np.flatnonzero(truth[:, 5] == 0)
    objects = truth[single]
    shared = overlaps_of_any(rows, objects)
    same = rows[:, 5, None] == objects[:, 4]
    own, other = (np.where(mask, shared, -1.0).max(1, initial=-1.0) for mask in (same, ~same))
    right, passed = (bits & 1 == 1 for bits in (hit, ignored))
    cases = [right, passed, own >= _FOUND, other >= _FOUND, own >= _NEAR, other >= _NEAR]
    kinds = np.select(cases, [RIGHT, IGNORED, DOUBLE, WRONG_CLASS, POOR_BOX, WRONG_CLASS], BACKGROUND)
    missed = np.zeros(len(truth), bool)
    explained = _hit(rows, objects, shared, same)
    for kind, mask, least in ((POOR_BOX, same, _NEAR), (WRONG_CLASS, ~same, _NEAR)):
        near = np.where(mask, shared, -1.0)[kinds == kind]
        if near.size:
            explained[near.argmax(1)[near.max(1) >= least]] = True
    missed[single[~explained]] = True
    return _rows_of(found, order), kinds, missed


def _rows_of(found: np.ndarray, order: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.flatnonzero(found[:, 4] >= SURE)[order]
    return result


def _hit(rows: np.ndarray, objects: np.ndarray, shared: np.ndarray, same: np.ndarray) -> np.ndarray:
    """bool (m,): objects that a box hits, as :func:`danlu.tasks.detection.matching.match` gives them out at an overlap of .5."""
    taken = np.zeros(len(objects), bool)
    for place in range(len(rows) if len(objects) else 0):
        fits = np.where(same[place] & ~taken & (shared[place] >= _FOUND), shared[place], -1.0)[::-1]
        if fits.max() >= 0:
            taken[len(fits) - 1 - int(fits.argmax())] = True
    return taken


class ErrorCounts(Metric):
    """ "missed", "wrong-class", "poor-box", "double", "background": errors for each true object, of boxes that score at least .3."""

    def __init__(self) -> None:
        self.counts = np.zeros(len(ERRORS), np.int64)
        self.objects = 0

    def update(self, predictions: Columns, targets: Columns) -> None:
        for found, truth in zip(predictions["boxes"], targets["boxes"], strict=True):
            objects = np.asarray(truth).reshape(-1, 7)
            _, kinds, missed = sort_errors(np.asarray(found).reshape(-1, 6), objects)
            self.counts[0] += int(missed.sum())
            self.counts[1:] += np.bincount(kinds, minlength=IGNORED + 1)[WRONG_CLASS : BACKGROUND + 1]
            self.objects += int((objects[:, 5] == 0).sum())

    def merge(self, other: ErrorCounts) -> None:
        self.counts += other.counts
        self.objects += other.objects

    def compute(self) -> dict[str, float]:
        """NaN where there is no object."""
        values = (self.counts / self.objects).tolist() if self.objects else [math.nan] * len(ERRORS)
        return dict(zip(ERRORS, values, strict=True))
