"""Translations that need no net: the source itself, and the target of the nearest training source."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.tasks.baselines.base import Baseline, Sample, Tell

_AT_ONCE = 2**22  # similarities held at once


class Copy(Baseline):
    """The source as it stands: names and numbers are right."""

    name = "copy"

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        return None

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return {self.column: sample.inputs["source"].copy()}


class NearestSentence(Baseline):
    """What the training source with the largest cosine of character n-grams (3–5, TF-IDF) was translated to; of equals the first."""

    name = "nearest-sentence"
    remembers = True

    def __init__(self, column: str) -> None:
        self.column = column
        self._rows = 0

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._texts = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=200_000)
        self._known = self._texts.fit_transform(list(train.inputs["source"]) or [""])
        kind = train.kinds["target"]
        self._answers = np.empty(len(train), object)
        self._answers[:] = [kind.draw(value) for value in train.targets["target"]]
        self._rows = len(train)

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        found = np.zeros(len(sample), np.int64)
        step = max(1, _AT_ONCE // max(1, self._rows))
        for start in range(0, len(sample), step):
            asked = self._texts.transform(list(sample.inputs["source"][start : start + step]))
            found[start : start + step] = np.asarray((asked @ self._known.T).toarray()).argmax(1)
            tell(min(start + step, len(sample)), len(sample))
        return {self.column: self._answers[found]}

    def settings(self) -> dict[str, Any]:
        return {"rows": self._rows, "ngrams": "characters 3-5"}
