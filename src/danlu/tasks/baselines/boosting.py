"""Gradient-boosted trees, as scikit-learn makes them untuned: what a net for tables has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.kinds.features import Features
from danlu.tasks.baselines.base import Baseline, Sample, Tell, classes_answer

_MOST = 255  # codes of a category that the trees take; a category with more is taken as a number


class _Boosted(Baseline):
    name = "boosting"

    def __init__(self, target: str, column: str = "features") -> None:
        self.target, self.column = target, column

    def _options(self, sample: Sample) -> dict[str, Any]:
        kind = sample.kinds[self.column]
        assert isinstance(kind, Features)
        few = [False] * len(kind.numbers) + [count <= _MOST for count in kind.cardinalities]
        return {"random_state": 0, "categorical_features": few if any(few) else None}

    def settings(self) -> dict[str, Any]:
        return {"trees": int(self._model.n_iter_)} if hasattr(self, "_model") and self._model is not None else {}

    _model: Any = None


class BoostedNumber(_Boosted):
    """Squared error; 100 trees at a rate of .1, early stopping from 10,000 rows on."""

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor

        true = np.asarray(train.targets[self.target], np.float64)
        kept = ~np.isnan(true)
        self._model = HistGradientBoostingRegressor(**self._options(train)).fit(
            train.inputs[self.column][kept], true[kept]
        )

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        if not len(sample):
            return {"value": np.empty(0, np.float32)}
        return {"value": self._model.predict(sample.inputs[self.column]).astype(np.float32)}


class BoostedClasses(_Boosted):
    """Cross-entropy; otherwise the same."""

    def __init__(self, target: str, classes: int, column: str = "features") -> None:
        super().__init__(target, column)
        self.classes = classes

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        labels = np.asarray(train.targets[self.target])
        kept = labels >= 0
        self._present = np.unique(labels[kept])
        if len(self._present) > 1:
            values = train.inputs[self.column][kept]
            self._model = HistGradientBoostingClassifier(**self._options(train)).fit(values, labels[kept])

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        probability = np.zeros((len(sample), self.classes))
        if self._model is None:
            probability[:, self._present] = 1.0
        elif len(sample):
            probability[:, self._present] = self._model.predict_proba(sample.inputs[self.column])
        return classes_answer(probability)
