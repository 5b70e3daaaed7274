"""TF-IDF of n-grams and logistic regression: what a net for texts must beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer
from danlu.tasks.baselines.grams import Grams

_STRENGTHS = (1.0, 4.0, 16.0)  # inverse penalties, tried from the strongest penalty on
_PASSES = 200


class Tfidf(Baseline):
    """Of :class:`Grams`. The penalty is the one that is right most often on held samples. The texts are those that the net sees."""

    name = "tfidf"
    remembers = True

    def __init__(self, target: str, classes: int, columns: tuple[str, ...], solid: bool) -> None:
        self.target, self.classes = target, classes
        self._grams = Grams(columns, solid)
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.linear_model import LogisticRegression

        kept = np.flatnonzero(train.targets[self.target] >= 0)
        labels = train.targets[self.target][kept]
        values = self._grams.fit(train.take(kept))
        others = self._grams(held) if len(held) else None
        known = held.targets[self.target] if len(held) else np.empty(0, np.int64)
        self._present = np.unique(labels)
        best: tuple[float, Any, float] | None = None
        for turn, strength in enumerate(_STRENGTHS if others is not None else _STRENGTHS[1:2]):
            tell(turn, len(_STRENGTHS))
            if len(self._present) < 2:
                break
            model = LogisticRegression(C=strength, max_iter=_PASSES, tol=1e-3).fit(values, labels)
            right = 0.0 if others is None else float((model.predict(others) == known)[known >= 0].mean())
            if best is None or right > best[0]:
                best = (right, model, strength)
        tell(len(_STRENGTHS), len(_STRENGTHS))
        self._model = None if best is None else best[1]
        self._settings = {
            "C": None if best is None else best[2],
            "columns": values.shape[1],
            "ngrams": self._grams.told,
            "rows": len(kept),
        }

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        probability = np.zeros((len(sample), self.classes), np.float64)
        if self._model is None:
            probability[:, self._present] = 1.0
        elif len(sample):
            probability[:, self._present] = self._model.predict_proba(self._grams(sample))
        return classes_answer(probability)

    def settings(self) -> dict[str, Any]:
        return self._settings
