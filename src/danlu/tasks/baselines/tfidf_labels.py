"""TF-IDF of n-grams and one logistic regression a label: what a net that labels texts must beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.metrics.thresholds import tuned_each
from danlu.tasks.baselines.base import Baseline, Sample, Tell
from danlu.tasks.baselines.grams import Grams

_STRENGTHS = (1.0, 4.0, 16.0)  # inverse penalties, tried from the strongest penalty on
_PASSES = 100
_WORK = 1_000_000  # rows times labels, above which one penalty is taken unseen
_NEVER = -30.0  # the logit of a label that no training row has, or with the other sign that each has


class TfidfLabels(Baseline):
    """Of :class:`Grams`. One penalty for all labels, by the loss on held samples.

    metric: by which each label's threshold is tuned on the held samples; None: .5.
    """

    name = "tfidf"
    remembers = True

    def __init__(
        self, target: str, classes: int, columns: tuple[str, ...], solid: bool, metric: str | None = None
    ) -> None:
        self.target, self.classes, self.metric = target, classes, metric
        self._grams = Grams(columns, solid)
        self._settings: dict[str, Any] = {}

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        labels = np.asarray(train.targets[self.target]).reshape(-1, self.classes) > 0
        truth = np.asarray(held.targets[self.target], np.float64).reshape(-1, self.classes)
        values = self._grams.fit(train)
        others = self._grams(held) if len(held) else None
        choose = others is not None and labels.size <= _WORK
        strengths = _STRENGTHS if choose else _STRENGTHS[1:2]
        best: tuple[float, list[Any], float] | None = None
        for turn, strength in enumerate(strengths):
            models = []
            for label in range(self.classes):
                tell(turn * self.classes + label, len(strengths) * self.classes)
                models.append(_fitted(values, labels[:, label], strength))
            loss = _loss(_logits(models, others), truth) if choose else 0.0
            if best is not None and loss >= best[0]:
                break  # a weaker penalty only fits the training rows better
            best = loss, models, strength
        assert best is not None
        self._models, self._offsets = best[1], np.zeros(self.classes)
        if self.metric is not None and others is not None:
            self._offsets = tuned_each(_logits(self._models, others), truth, self.metric).offsets
        tell(1, 1)
        self._settings = {
            "C": best[2],
            "columns": values.shape[1],
            "ngrams": self._grams.told,
            "rows": len(train),
        }

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        logits = _logits(self._models, self._grams(sample)) if len(sample) else np.zeros((0, self.classes))
        return {
            "probability": (1 / (1 + np.exp(-logits))).astype(np.float32),
            "labels": (logits + self._offsets > 0).astype(np.uint8),
        }

    def settings(self) -> dict[str, Any]:
        return self._settings


def _fitted(values: Any, label: np.ndarray, strength: float) -> Any:
    """A model with ``decision_function``; or the logit of a label that all rows have, or none."""
    from sklearn.linear_model import LogisticRegression

    if not label.any() or label.all():
        return _NEVER if not label.any() else -_NEVER
    return LogisticRegression(C=strength, max_iter=_PASSES, tol=1e-3).fit(values, label)


def _logits(models: list[Any], values: Any) -> np.ndarray:
    """float64 (N, K)."""
    columns = [
        np.full(values.shape[0], model) if isinstance(model, float) else model.decision_function(values)
        for model in models
    ]
    return np.stack(columns, 1) if columns else np.zeros((values.shape[0], 0))


def _loss(logits: np.ndarray, truth: np.ndarray) -> float:
    return float((np.logaddexp(0, logits) - truth * logits).mean())
