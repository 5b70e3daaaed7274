"""Exact match and F1 over a part, with and without questions that have an answer."""

from __future__ import annotations

import numpy as np

from danlu.data.kinds.answers import Answered, answered
from danlu.metrics.base import Columns, Metric
from danlu.metrics.interval import Interval
from danlu.metrics.moments import Moments
from danlu.tasks.question_answering.scoring import RULES

_PARTS = ("", "answerable-", "unanswerable-")


class SpanScores(Metric):
    """f1 and em, means over questions; where some have no answer also of these and of the others alone.

    Predictions: column ``span`` int64 (B, 2), [start, end) in characters of the passage, (-1, -1) for no answer. target: column of
    answers. rule: "squad" or "cmrc".
    """

    sums = True

    def __init__(self, target: str, rule: str) -> None:
        self.target, self.rule = target, rule
        self.f1 = {name: Moments() for name in _PARTS}
        self.em = {name: Moments() for name in _PARTS}

    def update(self, predictions: Columns, targets: Columns) -> None:
        known = [answered(np.asarray(value)) for value in targets[self.target]]
        exact, f1 = scores(predictions["span"], known, self.rule)
        some = np.asarray([bool(each.answers) for each in known], bool)
        for name, rows in zip(_PARTS, (np.ones(len(some), bool), some, ~some), strict=True):
            self.em[name].update(exact[rows])
            self.f1[name].update(f1[rows])

    def merge(self, other: SpanScores) -> None:
        for name in _PARTS:
            self.em[name].merge(other.em[name])
            self.f1[name].merge(other.f1[name])

    def compute(self) -> dict[str, float]:
        return {f"{name}{what}": state.value for name, what, state in self._told()}

    def intervals(self, confidence: float) -> dict[str, Interval]:
        """Wilson's: both lie between 0 and 1."""
        return {f"{name}{what}": state.share_interval(confidence) for name, what, state in self._told()}

    def _told(self) -> list[tuple[str, str, Moments]]:
        names = _PARTS if self.f1[_PARTS[2]].n else _PARTS[:1]
        return [(name, what, state[name]) for name in names for what, state in (("f1", self.f1), ("em", self.em))]


def scores(spans: np.ndarray, known: list[Answered], rule: str) -> tuple[np.ndarray, np.ndarray]:
    """(exact match, F1), both float64 (N,). spans: (N, 2)."""
    judge = RULES[rule]
    found = [judge(quoted(each.text, span), each.answers) for each, span in zip(known, spans, strict=True)]
    pairs = np.asarray(found, np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def quoted(text: str, span: np.ndarray) -> str:
    """The letters of a span; "" for none."""
    start, end = int(span[0]), int(span[1])
    return text[start:end] if start >= 0 else ""
