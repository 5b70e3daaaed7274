"""Decision thresholds: what to add to each class's logit, so that the most probable class does best by a metric over classes.

With two classes that is a threshold. Found class by class, each time the best there is with the others as they stand, until none gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

METRICS = ("balanced-accuracy", "macro-f1")
_ROWS = 20_000  # samples that are looked at, evenly spread
_SWEEPS = 10
_MANY = 100  # classes; with more, two sweeps must do
_GAIN = 1e-9  # less is rounding


@dataclass(frozen=True)
class Tuned:
    """offsets: float64 (K,) with mean 0, all 0 where nothing gains. before, after: the metric on the samples it was tuned on."""

    offsets: np.ndarray
    before: float
    after: float


def tuned(logits: np.ndarray, labels: np.ndarray, metric: str) -> Tuned:
    """logits: (N, K), or logarithms of probabilities. labels: (N,), negative ones are left out. metric: one of ``METRICS``."""
    known = np.flatnonzero(np.asarray(labels) >= 0)
    if len(known) > _ROWS:
        known = known[np.linspace(0, len(known) - 1, _ROWS).round().astype(int)]
    scores, truth = np.asarray(logits, np.float64)[known], np.asarray(labels)[known].astype(np.int64)
    classes = scores.shape[1]
    offsets = np.zeros(classes)
    true = np.bincount(truth, minlength=classes)
    before = after = value(scores, truth, metric)
    for _ in range(_SWEEPS if classes <= _MANY else 2):
        start = after
        for one in np.flatnonzero(true):
            others = scores.copy()
            others[:, one] = -np.inf
            rival = others.argmax(1)
            needed = others[np.arange(len(truth)), rival] - scores[:, one]  # what the class lacks
            move, found = _best(needed, rival, truth, int(one), true, metric)
            if found > after + _GAIN:
                scores[:, one] += move
                offsets[one] += move
                after = value(scores, truth, metric)
        if after <= start + _GAIN:
            break
    return Tuned(offsets - offsets.mean(), before, after)


def tuned_each(logits: np.ndarray, truth: np.ndarray, metric: str) -> Tuned:
    """One threshold for each of K independent labels: a label is found where its logit plus its offset is above 0.

    logits: (N, K). truth: (N, K) of 0 and 1. metric: of :data:`METRICS`; its mean over labels is largest where each label's own is, so
    labels are looked at one by one. Offsets are 0 for labels that are never, or always, true here: nothing can be learnt about them.
    Of several stretches that are as good the widest is taken, and its middle. before, after: the mean over the labels that are true
    somewhere (for macro-f1) or true and false somewhere (for balanced-accuracy).
    """
    scores, yes = np.asarray(logits, np.float64), np.asarray(truth) > 0
    offsets = np.zeros(scores.shape[1])
    before, after = [], []
    for one in range(scores.shape[1]):
        true = yes[:, one]
        if not true.any() or (metric == "balanced-accuracy" and true.all()):
            continue
        order = np.argsort(scores[:, one], kind="stable")
        ranked, hit = scores[order, one], true[order]
        found = np.concatenate([[hit.sum()], hit.sum() - np.cumsum(hit)])  # true ones above the cut, for 0 … N below it
        said = np.arange(len(hit), -1, -1)
        course = _course(found, said, int(hit.sum()), len(hit), metric)
        edges = np.concatenate([[ranked[0] - 2.0], ranked, [ranked[-1] + 2.0]])
        wide = edges[1:] > edges[:-1]
        good = wide & (course >= course[wide].max() - _GAIN)
        spans = [(edges[a], edges[b + 1]) for a, b in _runs(good | ~wide, good)]
        low, high = max(spans, key=lambda span: span[1] - span[0])
        at_zero = float(course[int((ranked <= 0).sum())])
        before.append(at_zero)
        after.append(float(course[wide].max()))
        if after[-1] > at_zero + _GAIN and not true.all():
            offsets[one] = -(low + high) / 2
        else:
            after[-1] = at_zero
    means = [float(np.mean(each)) if each else float("nan") for each in (before, after)]
    return Tuned(offsets, means[0], means[1])


def _course(found: np.ndarray, said: np.ndarray, true: int, rows: int, metric: str) -> np.ndarray:
    """(N + 1,): the metric of one label where ``said`` rows are called it, of which ``found`` are it."""
    if metric == "balanced-accuracy":
        return np.asarray((found / true + 1 - (said - found) / (rows - true)) / 2)
    return np.asarray(2 * found / (true + said))


def _runs(joined: np.ndarray, good: np.ndarray) -> list[tuple[int, int]]:
    """(first, last good place) of each run of ``joined``, of those that hold a good one."""
    places = np.flatnonzero(joined)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    inside = [run[good[run]] for run in runs]
    return [(int(run[0]), int(run[-1])) for run in inside if len(run)]


def value(scores: np.ndarray, labels: np.ndarray, metric: str) -> float:
    """The metric of the most probable classes. scores (N, K), labels (N,), none negative."""
    classes, predicted = scores.shape[1], scores.argmax(1)
    true, said = np.bincount(labels, minlength=classes), np.bincount(predicted, minlength=classes)
    hits = np.bincount(labels[predicted == labels], minlength=classes)
    if metric == "balanced-accuracy":
        return float((hits[true > 0] / true[true > 0]).mean()) if len(labels) else float("nan")
    either = true + said > 0
    return float((2 * hits[either] / (true + said)[either]).mean()) if len(labels) else float("nan")


def _best(
    needed: np.ndarray, rival: np.ndarray, labels: np.ndarray, one: int, true: np.ndarray, metric: str
) -> tuple[float, float]:
    """(what to add to class ``one``, the metric then). needed: (N,), from which on a sample goes to it instead of to its rival.

    Of several stretches that are as good the widest is taken, and its middle: it is the least likely to be chance.
    """
    order = np.argsort(needed, kind="stable")
    needed, rival, labels = needed[order], rival[order], labels[order]
    course = (_recalls if metric == "balanced-accuracy" else _f1s)(rival, labels, one, true)
    edges = np.concatenate([[needed[0] - 2.0], needed, [needed[-1] + 2.0]])  # with m samples: from edge m to edge m + 1
    wide = edges[1:] > edges[:-1]
    best = course[wide].max()
    good = wide & (course >= best - _GAIN)
    stretches = np.split(np.flatnonzero(good | ~wide), np.flatnonzero(np.diff(np.flatnonzero(good | ~wide)) > 1) + 1)
    spans = [(edges[some[good[some]][0]], edges[some[good[some]][-1] + 1]) for some in stretches if good[some].any()]
    low, high = max(spans, key=lambda span: span[1] - span[0])
    return float((low + high) / 2), float(best)


def _recalls(rival: np.ndarray, labels: np.ndarray, one: int, true: np.ndarray) -> np.ndarray:
    """(N + 1,): balanced accuracy when the first 0, 1, … samples go to class ``one``, the others to their rivals."""
    present = int((true > 0).sum())
    won, lost = labels == one, labels == rival
    steps = won / true[one] - lost / true[labels]
    found: np.ndarray = (np.concatenate([[0.0], np.cumsum(steps)]) + (lost / true[labels]).sum()) / present
    return found


def _f1s(rival: np.ndarray, labels: np.ndarray, one: int, true: np.ndarray) -> np.ndarray:
    """(N + 1,): macro F1, as :func:`_recalls`; over classes that are true or predicted anywhere."""
    classes, lost = len(true), labels == rival
    said = np.bincount(rival, minlength=classes)
    hits = np.bincount(labels[lost], minlength=classes)
    groups = np.argsort(rival, kind="stable")  # samples of a rival together, in their order
    first = np.concatenate([[0], np.cumsum(said)[:-1]])
    mine = rival[groups]
    gone = np.arange(len(labels)) - first[mine] + 1
    removed = np.cumsum(lost[groups])
    removed -= np.concatenate([[0], removed])[first[mine]]
    after = _f1(hits[mine] - removed, true[mine] + said[mine] - gone)
    earlier = _f1(hits[mine] - removed + lost[groups], true[mine] + said[mine] - gone + 1)
    steps, vanish = np.empty(len(labels)), np.empty(len(labels))
    steps[groups] = after - earlier
    vanish[groups] = true[mine] + said[mine] - gone == 0
    own = _f1(np.concatenate([[0], np.cumsum(labels == one)]), true[one] + np.arange(len(labels) + 1))
    total = _f1(hits, true + said).sum() + np.concatenate([[0.0], np.cumsum(steps)]) + own
    counted = (true + said > 0).sum() - np.concatenate([[0], np.cumsum(vanish)])
    found: np.ndarray = total / counted
    return found


def _f1(hits: np.ndarray, either: np.ndarray) -> np.ndarray:
    """2·hits / (true + predicted), 0 of a class that is neither."""
    return np.where(either > 0, 2 * hits / np.maximum(either, 1), 0.0)
