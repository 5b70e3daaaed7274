"""TF-IDF of n-grams and logistic regression: what a net for texts must beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.text.scripts import words
from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer

_STRENGTHS = (1.0, 4.0, 16.0)  # inverse penalties, tried from the strongest penalty on
_PASSES = 200
_COLUMNS = 300_000  # the most frequent n-grams


class Tfidf(Baseline):
    """Words and pairs of words, or one to three characters where a script has no spaces; sublinear TF, smooth IDF, rows of length 1.

    The penalty is the one that is right most often on held samples. The texts are those that the net sees: cut where its are.
    """

    name = "tfidf"
    remembers = True

    def __init__(self, target: str, classes: int, columns: tuple[str, ...], solid: bool) -> None:
        self.target, self.classes, self.columns, self.solid = target, classes, columns, solid
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        kept = np.flatnonzero(train.targets[self.target] >= 0)
        labels = train.targets[self.target][kept]
        form: dict[str, Any] = (
            {"analyzer": "char", "ngram_range": (1, 3)}
            if self.solid
            else {"tokenizer": words, "token_pattern": None, "ngram_range": (1, 2)}
        )
        self._texts = TfidfVectorizer(
            min_df=2 if len(kept) > 200 else 1, sublinear_tf=True, max_features=_COLUMNS, **form
        )
        values = self._texts.fit_transform(self._joined(train.take(kept)))
        others = self._texts.transform(self._joined(held)) if len(held) else None
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
        grams = "characters 1-3" if self.solid else "words 1-2"
        self._settings = {
            "C": None if best is None else best[2],
            "columns": values.shape[1],
            "ngrams": grams,
            "rows": len(kept),
        }

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        probability = np.zeros((len(sample), self.classes), np.float64)
        if self._model is None:
            probability[:, self._present] = 1.0
        elif len(sample):
            probability[:, self._present] = self._model.predict_proba(self._texts.transform(self._joined(sample)))
        return classes_answer(probability)

    def settings(self) -> dict[str, Any]:
        return self._settings

    def _joined(self, sample: Sample) -> list[str]:
        parts = [sample.inputs[name] for name in self.columns]
        return ["\n".join(row) for row in zip(*parts, strict=True)]
