"""What a net for clicks must beat: the rate, a linear model of every id, and boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.kinds.features import Features
from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer
from danlu.tasks.baselines.constant import shares

_STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)


class Rate(Baseline):
    """The share of clicks among all training rows, for every row. offset: of the logit, see :class:`ClickDecoder`."""

    name = "rate"

    def __init__(self, target: str, offset: float, positive: int) -> None:
        self.target, self.offset = target, offset if positive == 1 else -offset

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        found = shares(np.asarray(train.targets[self.target]), 2) * np.exp([0.0, self.offset])
        self.share = found / found.sum()

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return classes_answer(np.broadcast_to(self.share, (len(sample), 2)))


class LinearIds(Baseline):
    """Logistic regression with a column for every code; of several penalties the one with the least log loss on held rows."""

    name = "linear"

    def __init__(self, target: str, offset: float, positive: int, column: str = "features") -> None:
        self.target, self.column = target, column
        self.offset = offset if positive == 1 else -offset
        self._model: Any = None
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.linear_model import LogisticRegression

        label = np.asarray(train.targets[self.target])
        kept = np.flatnonzero(label >= 0)
        self._share = float((label[kept] == 1).mean()) if len(kept) else 0.5
        if len(np.unique(label[kept])) < 2:
            return
        values = self._matrix(train, kept)
        true = np.asarray(held.targets[self.target])
        known = np.flatnonzero(true >= 0)
        others = self._matrix(held, known) if len(known) else None
        best = np.inf
        for done, strength in enumerate(_STRENGTHS, 1):
            model = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(values, label[kept])
            tell(done, len(_STRENGTHS))
            loss = np.inf if others is None else self._loss(model, others, true[known])
            if self._model is not None and loss >= best:
                break
            best, self._model = loss, model
            self._settings = {"C": strength, "columns": values.shape[1], "rows": len(kept)}
            if others is None and strength >= 0.1:
                break

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        if self._model is None:
            logits = np.full(len(sample), np.log(self._share / (1 - self._share)) if 0 < self._share < 1 else 0.0)
        elif not len(sample):
            logits = np.empty(0)
        else:
            logits = self._model.decision_function(self._matrix(sample, np.arange(len(sample))))
        yes = 1 / (1 + np.exp(-(logits + self.offset)))
        return classes_answer(np.stack([1 - yes, yes], axis=1))

    def settings(self) -> dict[str, Any]:
        return self._settings

    def _loss(self, model: Any, values: Any, true: np.ndarray) -> float:
        logits = model.decision_function(values) + self.offset
        return float((np.logaddexp(0, logits) - true * logits).mean())

    def _matrix(self, sample: Sample, rows: np.ndarray) -> Any:
        """Sparse float64 (N, numbers + codes)."""
        from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]

        kind = sample.kinds[self.column]
        assert isinstance(kind, Features)
        values = np.asarray(sample.inputs[self.column][rows], np.float64)
        count = len(kind.numbers)
        starts = np.r_[0, np.cumsum(kind.cardinalities)].astype(np.int64)
        codes = values[:, count:].astype(np.int64) + starts[:-1]
        many = codes.shape[1]
        ones = csr_matrix(
            (np.ones(codes.size), codes.reshape(-1), np.arange(0, codes.size + 1, many) if many else np.zeros(len(rows) + 1)),
            shape=(len(rows), int(starts[-1])),
        )  # fmt: skip
        return hstack([csr_matrix(values[:, :count]), ones]).tocsr()


class BoostedClicks(Baseline):
    """Gradient boosting, untuned, with the same correction of its odds."""

    name = "boosting"

    def __init__(self, inner: Baseline, offset: float, positive: int) -> None:
        self.inner, self.offset = inner, offset if positive == 1 else -offset

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        self.inner.fit(train, held, asked, tell)

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        found = self.inner.predict(sample, tell)["probability"].astype(np.float64)
        weighed = found * np.exp([0.0, self.offset])
        return classes_answer(weighed / weighed.sum(1, keepdims=True))

    def settings(self) -> dict[str, Any]:
        return self.inner.settings()
