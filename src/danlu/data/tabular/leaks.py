"""Columns that alone tell the target almost perfectly: they may know what no one knows when the question is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from danlu.data.kinds.base import Kind

_SURE = 0.98  # R², or balanced accuracy, from which a column is suspected
_FEW = 64  # different values, which are then looked at one by one
_LEAST = 50  # rows
_OF_CLASS = 5  # rows of a class that is asked about: one of fewer says nothing, and would hide what tells all others


def suspects(
    values: np.ndarray, owners: Sequence[str], codes: Sequence[bool], target: np.ndarray, kind: Kind
) -> list[dict[str, Any]]:
    """[{name, score, measure}] of table columns by which alone one half of the rows is told from the other, the surest first.

    values: (N, F). owners, codes: of each of F, the table's column, and whether it is a category's code. target: prepared, (N,) of
    numbers or classes; others are not looked at.
    """
    numeric = kind.name == "number"
    if kind.name == "category" and target.ndim == 1:  # rows without a class, or of none that is listed, say nothing
        kept = target >= 0
        kept[kept] = np.bincount(target[kept])[target[kept]] >= _OF_CLASS
        values, target = values[kept], target[kept]
    if kind.name not in ("number", "category") or target.ndim != 1 or len(target) < _LEAST:
        return []
    best: dict[str, float] = {}
    for place, owner in enumerate(owners):
        score = _score(values[:, place], codes[place], target, numeric)
        best[owner] = max(best.get(owner, 0.0), score)
    measure = "R²" if numeric else "balanced accuracy"
    found = [{"name": name, "score": score, "measure": measure} for name, score in best.items() if score >= _SURE]
    return sorted(found, key=lambda one: -float(one["score"]))


def _score(values: np.ndarray, code: bool, target: np.ndarray, numeric: bool) -> float:
    """R² or balanced accuracy on odd rows of what the even rows with the same value say, or of many values the two around it."""
    learnt, asked = slice(0, None, 2), slice(1, None, 2)
    true = target[learnt].astype(np.float64)[:, None] if numeric else np.eye(int(target.max()) + 1)[target[learnt]]
    known, places = np.unique(values[learnt], return_inverse=True)
    if code or len(known) <= _FEW:
        sums = np.zeros((len(known), true.shape[1]))
        np.add.at(sums, places.reshape(-1), true)
        rows = np.bincount(places.reshape(-1), minlength=len(known))
        at = np.clip(np.searchsorted(known, values[asked]), 0, len(known) - 1)
        seen = (known[at] == values[asked])[:, None]
        guess = np.where(seen, sums[at] / rows[at, None], true.mean(0))
    else:
        order = np.argsort(values[learnt], kind="stable")
        ordered = values[learnt][order].astype(np.float64)
        at = np.searchsorted(ordered, values[asked])
        low, high = np.maximum(at - 1, 0), np.minimum(at, len(order) - 1)
        apart = ordered[high] - ordered[low]
        share = np.where(apart > 0, (values[asked] - ordered[low]) / np.where(apart > 0, apart, 1.0), 0.5)[:, None]
        guess = (1 - share) * true[order][low] + share * true[order][high]
    truth = target[asked]
    if numeric:
        spread = float(np.square(truth - truth.mean()).sum())
        return 1 - float(np.square(truth - guess[:, 0]).sum()) / spread if spread > 0 else 0.0
    said, present = guess.argmax(1), np.unique(truth)
    return float(np.mean([(said[truth == each] == each).mean() for each in present])) if len(present) > 1 else 0.0
