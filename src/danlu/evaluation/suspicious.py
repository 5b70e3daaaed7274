"""Samples worth a look: those judged worst, and those whose label is probably wrong (:mod:`danlu.runs.suspicious`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.evaluation.predictions import NumberPredictions, Predictions
from danlu.runs.suspicious import Suspect, Suspicion, suspicious

__all__ = ["Suspect", "Suspicion", "Worst", "suspicious", "worst"]


@dataclass(frozen=True)
class Worst:
    """A sample that was judged badly. loss: -log of the true class's probability, or |predicted - true|.

    true, predicted: class names, or numbers. sure: the probability of the predicted class; None for numbers.
    """

    id: str
    loss: float
    true: str | float
    predicted: str | float
    sure: float | None = None


def worst(predictions: Predictions, most: int = 50) -> list[Worst]:
    """The ``most`` samples with the largest loss, the worst first; of equals the earlier."""
    if isinstance(predictions, NumberPredictions):
        loss = np.abs(predictions.residual)
        return [
            Worst(predictions.ids[i], float(loss[i]), float(predictions.true[i]), float(predictions.predicted[i]))
            for i in np.argsort(-loss, kind="stable")[:most]
        ]
    answers, names = predictions.answers, predictions.classes
    return [
        Worst(
            predictions.ids[i],
            float(answers.loss[i]),
            names[answers.true[i]],
            names[answers.predicted[i]],
            float(answers.sure[i]),
        )
        for i in np.argsort(-answers.loss, kind="stable")[:most]
    ]
