"""How each label of a multi-label run is found, and which of them stand together. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu.data.kinds.labels import pairs
from danlu.metrics.interval import Interval, wilson
from danlu.metrics.multi_label import average_precision, f1, roc_auc
from danlu.runs.stored import Stored

_CELLS = 1 << 25  # samples times labels that are looked at, at most


@dataclass(frozen=True)
class LabelFigures:
    """One label. support: samples that have it. found: samples it was found in. NaN where a figure is undefined.

    ap: average precision. auc: area under the ROC curve. recall_interval, precision_interval: Wilson's.
    """

    name: str
    support: int
    found: int
    precision: float
    recall: float
    f1: float
    ap: float
    auc: float
    precision_interval: Interval
    recall_interval: Interval


@dataclass(frozen=True)
class Answered:
    """score float32, found and true bool, (N, K) each. ids: N of them. target: the column."""

    ids: Sequence[str]
    classes: tuple[str, ...]
    score: np.ndarray
    found: np.ndarray
    true: np.ndarray
    target: str

    def table(self, confidence: float) -> list[LabelFigures]:
        """In the order of the classes."""
        return [self._figures(place, confidence) for place in range(len(self.classes))]

    def _figures(self, place: int, confidence: float) -> LabelFigures:
        found, true, score = self.found[:, place], self.true[:, place], self.score[:, place]
        hits, said, there = int((found & true).sum()), int(found.sum()), int(true.sum())
        return LabelFigures(
            self.classes[place],
            there,
            said,
            hits / said if said else float("nan"),
            hits / there if there else float("nan"),
            float(f1(np.asarray(hits), np.asarray(said + there))),
            float(average_precision(score, true)[0]),
            float(roc_auc(score, true)[0]),
            wilson(hits, said, confidence),
            wilson(hits, there, confidence),
        )

    def together(self, most: int) -> list[tuple[str, str, int, int]]:
        """(label, label, samples that have both, samples in which both were found), the most frequent first."""
        true, found = (each.T.astype(np.int64) @ each.astype(np.int64) for each in (self.true, self.found))
        return [(self.classes[a], self.classes[b], n, int(found[a, b])) for a, b, n in pairs(true, most)]

    def absent(self) -> list[str]:
        """Labels that no sample has, which are in no mean over labels."""
        return [self.classes[place] for place in np.flatnonzero(~self.true.any(0)).tolist()]


def answered(stored: Stored, columns: dict[str, Any]) -> Answered | None:
    """A part's predictions, where the run has one target that is a set of labels; None for others, and for very many."""
    sets = [name for name in columns["targets"] if columns["kinds"][name]["kind"] == "labels" and name in stored.truths]
    if len(sets) != 1 or not {"probability", sets[0]} <= set(stored.predictions):
        return None
    target = sets[0]
    classes = tuple(columns["kinds"][target]["spec"]["classes"])
    if not len(stored) or len(stored) * len(classes) > _CELLS:
        return None
    ids: list[str] = []
    blocks: dict[str, list[np.ndarray]] = {"probability": [], target: [], f"true/{target}": []}
    for block in stored.blocks(("id", *blocks)):
        ids += block["id"]
        for name, each in blocks.items():
            each.append(np.asarray(block[name]).reshape(-1, len(classes)))
    score, found, true = (np.concatenate(each) for each in blocks.values())
    return Answered(ids, classes, score.astype(np.float32), found > 0, true > 0.5, target)
