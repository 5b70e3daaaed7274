"""What features are worth, by labels that their learning never saw: nearest neighbours and a linear classifier.

Both are fitted on training rows alone. The labels of the part that is judged are compared with the answers, and nothing else.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

_HEAT = 0.07  # of a neighbour's vote (Wu et al. 2018)
_BLOCK = 1024


@dataclass(frozen=True)
class Labelled:
    """features: float32 (N, D). labels: int64 (N,), none negative."""

    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Labelled:
        return Labelled(self.features[rows], self.labels[rows])


def linear(train: Labelled, asked: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """int64 (M,): the answers of a logistic regression on standardised features. strength: 1/λ of its L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(train.labels)) < 2:
        return np.full(len(asked), train.labels[0])
    mean, deviation = train.features.mean(0), train.features.std(0)
    scale = np.where(deviation > 0, deviation, 1.0)
    model = LogisticRegression(C=strength, max_iter=300)
    with warnings.catch_warnings():  # of not having converged to the last digit
        warnings.simplefilter("ignore")
        model.fit((train.features - mean) / scale, train.labels)
    answers: np.ndarray = model.predict((asked - mean) / scale)
    return answers


def neighbours(train: Labelled, asked: np.ndarray, count: int) -> np.ndarray:
    """int64 (M,): the vote of the ``count`` nearest by cosine, each weighing exp(cosine / 0.07) (Wu et al. 2018)."""
    known, unknown = _unit(train.features), _unit(asked)
    count, classes = min(count, len(train)), int(train.labels.max()) + 1
    answers = np.empty(len(asked), np.int64)
    for start in range(0, len(asked), _BLOCK):
        cosines = unknown[start : start + _BLOCK] @ known.T
        near = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        weights = np.exp((np.take_along_axis(cosines, near, 1) - 1.0) / _HEAT)
        votes = np.zeros((len(near), classes))
        np.add.at(votes, (np.arange(len(near))[:, None], train.labels[near]), weights)
        answers[start : start + len(near)] = votes.argmax(1)
    return answers


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    return float((answers == labels).mean()) if len(labels) else float("nan")


def _unit(values: np.ndarray) -> np.ndarray:
    unit: np.ndarray = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return unit
