"""TF-IDF of n-grams: texts as rows of numbers, for simple models."""

from __future__ import annotations

from typing import Any

from danlu.data.text.scripts import words
from danlu.tasks.baselines.base import Sample

_COLUMNS = 300_000  # the most frequent n-grams


class Grams:
    """Words and pairs of words, or one to three characters where a script has no spaces (``solid``); sublinear TF, smooth IDF, rows of
    length 1. columns: the inputs whose texts are joined.
    """

    def __init__(self, columns: tuple[str, ...], solid: bool) -> None:
        self.columns, self.solid = columns, solid

    @property
    def told(self) -> str:
        return "characters 1-3" if self.solid else "words 1-2"

    def fit(self, sample: Sample) -> Any:
        """A sparse matrix (N, D) of the texts that the vocabulary is made of."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        form: dict[str, Any] = (
            {"analyzer": "char", "ngram_range": (1, 3)}
            if self.solid
            else {"tokenizer": words, "token_pattern": None, "ngram_range": (1, 2)}
        )
        least = 2 if len(sample) > 200 else 1
        self._texts = TfidfVectorizer(min_df=least, sublinear_tf=True, max_features=_COLUMNS, **form)
        return self._texts.fit_transform(self._joined(sample))

    def __call__(self, sample: Sample) -> Any:
        """A sparse matrix (N, D)."""
        return self._texts.transform(self._joined(sample))

    def _joined(self, sample: Sample) -> list[str]:
        parts = [sample.inputs[name] for name in self.columns]
        return ["\n".join(row) for row in zip(*parts, strict=True)]
