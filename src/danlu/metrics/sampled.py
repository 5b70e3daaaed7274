"""The metrics as figures of single samples: what can be resampled, and compared on the same samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from danlu.metrics.answers import Answers
from danlu.metrics.bootstrap import Figure, Weighted


def mean(values: np.ndarray, then: Callable[[np.ndarray], np.ndarray] | None = None) -> Figure:
    """The mean of one number a sample, (N,); ``then`` is applied to it (a root, say)."""

    def of(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
        means = _ratio(weights @ features[:, 0], weights.sum(1))
        return means if then is None else then(means)

    return Figure(np.asarray(values, np.float64).reshape(-1, 1), of)


def of_classes(answers: Answers) -> dict[str, Figure]:
    """Name → figure; values equal those of :class:`danlu.metrics.classification.Classification` (auc: of unrounded scores).

    brier: as scikit-learn's ``brier_score_loss``, Σ over classes of squared errors, half of it for two classes (Brier 1950).
    """
    found = {"accuracy": mean(answers.hits)}
    if answers.classes > 5:
        found["top5"] = mean(answers.top5)
    pairs = np.stack([answers.true, answers.predicted], axis=1).astype(np.float64)
    found["balanced-accuracy"] = Figure(pairs, _by_class(answers.classes, _recall))
    found["macro-f1"] = Figure(pairs, _by_class(answers.classes, _f1))
    found["log-loss"] = mean(answers.loss)
    found["brier"] = mean(answers.squares / (2 if answers.classes == 2 else 1))
    if answers.classes == 2:
        found["auc"] = Figure(np.stack([answers.odds, answers.true == 1], axis=1), _auc)
    return found


def of_numbers(predicted: Any, true: Any) -> dict[str, Figure]:
    """mse, rmse, mae, r2 as in :class:`danlu.metrics.regression.Regression`; bias: the mean of predicted - true.

    predicted, true: (N,); NaN targets are left out.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    sound = ~np.isnan(true)
    predicted, true = predicted[sound], true[sound]
    error = predicted - true
    return {
        "mse": mean(error**2),
        "rmse": mean(error**2, np.sqrt),
        "mae": mean(np.abs(error)),
        "r2": Figure(np.stack([error, true - (true.mean() if len(true) else 0.0)], axis=1), _r2),
        "bias": mean(error),
    }


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return shares


def _by_class(classes: int, figure: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Weighted:
    """features: (true, predicted) of each cell."""

    def of(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
        true, predicted = features.astype(np.int64).T
        counts = [_sums(weights, true, classes), _sums(weights, predicted, classes)]
        hit = true == predicted
        return figure(_sums(weights[:, hit], true[hit], classes), *counts)

    return of


def _sums(weights: np.ndarray, owner: np.ndarray, classes: int) -> np.ndarray:
    """(D, K): the weights of the cells that each class owns. owner: int64 (C,)."""
    sums = np.zeros((len(weights), classes))
    if len(owner):
        order = np.argsort(owner, kind="stable")
        found, first = np.unique(owner[order], return_index=True)
        sums[:, found] = np.add.reduceat(weights[:, order], first, axis=1)
    return sums


def _recall(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return _ratio(np.divide(hits, true, out=np.zeros_like(hits), where=true > 0).sum(1), (true > 0).sum(1))


def _f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    either = true + predicted
    return _ratio(np.divide(2 * hits, either, out=np.zeros_like(hits), where=either > 0).sum(1), (either > 0).sum(1))


def _auc(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Pairs of a yes and a no in which the yes has the larger score, of all such pairs; equal scores count half."""
    score, yes = features[:, 0], features[:, 1] > 0
    order = np.argsort(score, kind="stable")
    weights, yes = weights[:, order], yes[order]
    first = np.flatnonzero(np.r_[True, score[order][1:] != score[order][:-1]])
    positive = np.add.reduceat(weights * yes, first, axis=1)
    negative = np.add.reduceat(weights * ~yes, first, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return _ratio((positive * below).sum(1), positive.sum(1) * negative.sum(1))


def _r2(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    error, true = features.T
    count = weights.sum(1)
    residual = weights @ error**2
    spread = weights @ true**2 - _ratio((weights @ true) ** 2, count)
    scale = np.maximum(weights @ true**2, 1e-300)
    flat = spread <= 1e-14 * scale  # targets that don't vary: what is left is rounding
    value = 1 - np.divide(residual, spread, out=np.zeros_like(residual), where=~flat)
    value = np.where(flat, np.where(residual == 0, 1.0, 0.0), value)
    return np.where(count < 2, np.nan, value)
