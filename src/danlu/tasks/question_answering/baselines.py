"""What a reader must beat: never to answer, and what shares most words with the question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from danlu.data.kinds.answers import answered
from danlu.tasks.baselines.base import Baseline, Sample, Tell
from danlu.tasks.question_answering.metrics import scores

_ENDS = re.compile(r"[.!?。！？；;\n]+")
_FORMS = ("sentence", "words")
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # of the question's weight that must be found


class NoAnswer(Baseline):
    """Says of every question that the text does not answer it."""

    name = "no-answer"

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        return

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return _predictions(np.full((len(sample), 2), -1, np.int64))


class BestOverlap(Baseline):
    """The sentence whose words have the largest sum of inverse frequencies among those of the question; or, in it, the longest run of
    words that are neither in the question nor frequent. Which of the two, and how much must be found for any answer, by held samples.
    """

    name = "best-overlap"

    def __init__(self, nulls: bool, rule: str) -> None:
        self.nulls, self.rule = nulls, rule
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        counts: Counter[int] = Counter()
        for text in train.inputs["context"]:
            counts.update(set(text[:, 0].tolist()))
        texts = max(1, len(train))
        self._weights = {token: float(np.log((1 + texts) / (1 + n))) for token, n in counts.items()}
        self._rare = float(np.log(1 + texts))
        chosen = held if len(held) else train
        known = [answered(np.asarray(value)) for value in chosen.targets["answers"]]
        best = (-1.0, _FORMS[0], 0.0)
        for turn, form in enumerate(_FORMS):
            tell(turn, len(_FORMS))
            spans, shares = self._answers(chosen, form)
            for least in _SHARES if self.nulls else _SHARES[:1]:
                f1 = float(scores(np.where((shares < least)[:, None], -1, spans), known, self.rule)[1].mean())
                best = max(best, (f1, form, least))
        tell(len(_FORMS), len(_FORMS))
        self._form, self._least = best[1], best[2]
        self._settings = {"form": self._form, "least": self._least}

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        spans, shares = self._answers(sample, self._form)
        return _predictions(np.where((shares < self._least)[:, None], np.int64(-1), spans))

    def settings(self) -> dict[str, Any]:
        return self._settings

    def _weight(self, token: int) -> float:
        return self._weights.get(token, self._rare)

    def _answers(self, sample: Sample, form: str) -> tuple[np.ndarray, np.ndarray]:
        """(int64 (N, 2) spans in characters, float64 (N,) share of the question's weight that was found)."""
        spans, shares = np.full((len(sample), 2), -1, np.int64), np.zeros(len(sample))
        columns = (sample.inputs["question"], sample.inputs["context"], sample.targets["answers"])
        for place, (question, text, target) in enumerate(zip(*columns, strict=True)):
            asked = set(question.tolist())
            total = sum(map(self._weight, asked)) or 1.0
            best, found = -1.0, (0, len(text))
            for first, last in _sentences(answered(np.asarray(target)).text, text):
                share = sum(map(self._weight, asked & set(text[first:last, 0].tolist()))) / total
                if share > best:
                    best, found = share, (first, last)
            first, last = self._run(text, *found, asked) if form == "words" else found
            spans[place] = text[first, 1], text[last - 1, 2]
            shares[place] = best
        return spans, shares

    def _run(self, text: np.ndarray, first: int, last: int, asked: set[int]) -> tuple[int, int]:
        """The longest run of tokens that are neither asked for nor in a tenth of all texts; the sentence where there is none."""
        limit = self._rare - np.log(1 + 0.1 * np.exp(self._rare))
        good = [token not in asked and self._weight(token) > limit for token in text[first:last, 0].tolist()]
        best, start = (0, 0), 0
        for place, one in enumerate([*good, False]):
            if not one:
                best = max(best, (place - start, -start))
                start = place + 1
        return (first - best[1], first - best[1] + best[0]) if best[0] else (first, last)


def _sentences(text: str, tokens: np.ndarray) -> Iterator[tuple[int, int]]:
    """[first, last) tokens of each sentence."""
    begin = 0
    for border in [*(match.end() for match in _ENDS.finditer(text)), len(text)]:
        end = int(np.searchsorted(tokens[:, 1], border, side="left"))
        if end > begin:
            yield begin, end
            begin = end


def _predictions(spans: np.ndarray) -> dict[str, Any]:
    blank = np.zeros(len(spans), np.float32)
    return {"span": spans.astype(np.int64), "best": spans.astype(np.int64), "margin": blank, "probability": blank}
