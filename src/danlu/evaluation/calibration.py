"""Whether probabilities mean what they say: reliability, expected calibration error, Brier score, temperature.

Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, 2017.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from danlu.evaluation.predictions import ClassPredictions
from danlu.metrics.interval import Interval, wilson

_ROWS = 20_000  # samples that the temperature is fitted on, evenly spread


@dataclass(frozen=True)
class Bin:
    """Samples whose probability lies in (low, high]; of the first bin also those at ``low``.

    sure: their mean probability; right: the share of them that came true, with Wilson's interval.
    """

    low: float
    high: float
    count: int
    sure: float
    right: float
    interval: Interval


@dataclass(frozen=True)
class Calibration:
    """Of the predicted class. bins: equally wide; mass_bins: equally full; empty ones are left out.

    ece, mass_ece: Σ count·|right - sure| / N over those bins. brier: as scikit-learn's ``brier_score_loss``. log_loss: mean of
    -log of the true class's probability. sure, right: means over all samples.
    """

    bins: tuple[Bin, ...]
    mass_bins: tuple[Bin, ...]
    ece: float
    mass_ece: float
    brier: float
    log_loss: float
    sure: float
    right: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for NaN."""
        return asdict(self)


@dataclass(frozen=True)
class Mended:
    """What dividing the logits by one number would make of the calibration. temperature: > 1 where the net is too sure.

    No predicted class changes by it. fitted_on: the part.
    """

    temperature: float
    fitted_on: str
    after: Calibration


def calibration(predictions: ClassPredictions, bins: int = 15, confidence: float = 0.95) -> Calibration:
    """Of N ≥ 0 samples; NaN without samples."""
    answers = predictions.answers
    halved = 2 if answers.classes == 2 else 1
    return _calibration(answers.sure, answers.hits, answers.squares / halved, answers.loss, bins, confidence)


def mended(
    predictions: ClassPredictions, fitted_on: ClassPredictions, bins: int = 15, confidence: float = 0.95
) -> Mended:
    """The calibration of ``predictions`` with the temperature of another part (validation), which must hold samples."""
    heat = temperature(fitted_on)
    answers = predictions.answers
    sure, squares, loss = (np.empty(len(predictions)) for _ in range(3))
    for rows, probability in predictions.blocks():
        cooled = _cooled(_logs(probability), 1 / heat)
        own = cooled[np.arange(len(rows)), answers.true[rows]]
        sure[rows] = cooled[np.arange(len(rows)), answers.predicted[rows]]
        squares[rows] = np.square(cooled).sum(1) - own**2 + (1 - own) ** 2
        loss[rows] = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
    halved = 2 if answers.classes == 2 else 1
    after = _calibration(sure, answers.hits, squares / halved, loss, bins, confidence)
    return Mended(heat, fitted_on.part, after)


def reliability(
    probability: np.ndarray, outcome: np.ndarray, bins: int = 15, *, mass: bool = False, confidence: float = 0.95
) -> tuple[Bin, ...]:
    """Filled bins of (N,) probabilities with their (N,) outcomes, true or false; as scikit-learn's ``calibration_curve``.

    mass: edges at the quantiles, so that bins are equally full (ties may leave some empty); else equally wide.
    """
    probability, outcome = np.asarray(probability, np.float64), np.asarray(outcome, bool)
    if not len(probability):
        return ()
    spread = np.linspace(0, 1, bins + 1)
    edges = np.percentile(probability, spread * 100) if mass else spread
    place = np.searchsorted(edges[1:-1], probability)
    count = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=probability, minlength=bins)
    right = np.bincount(place, weights=outcome, minlength=bins)
    return tuple(
        Bin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            count=int(count[i]),
            sure=float(sums[i] / count[i]),
            right=float(right[i] / count[i]),
            interval=wilson(float(right[i]), int(count[i]), confidence),
        )
        for i in np.flatnonzero(count)
    )


def temperature(predictions: ClassPredictions) -> float:
    """T in [0.01, 100] for which softmax(log p / T) has the least mean log loss; 1 without samples.

    The loss is convex in 1/T (Guo et al. 2017); found by bisection of its slope, on at most 20,000 samples evenly spread.
    """
    total = len(predictions)
    if not total:
        return 1.0
    every = max(1, -(-total // _ROWS))
    blocks = []
    for rows, probability in predictions.blocks():
        some = rows % every == 0
        logs = _logs(probability[some])
        blocks.append((logs, logs[np.arange(len(logs)), predictions.answers.true[rows[some]]]))

    def slope(coldness: float) -> float:
        """Of the summed loss by 1/T: what the logits are expected to be, less what they are."""
        return sum(float(((_cooled(logs, coldness) * logs).sum(1) - given).sum()) for logs, given in blocks)

    low, high = -math.log(100), math.log(100)
    if slope(math.exp(low)) >= 0:
        return 100.0
    if slope(math.exp(high)) <= 0:
        return 0.01
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
        if high - low < 1e-9:
            break
    return math.exp(-(low + high) / 2)


def _calibration(
    sure: np.ndarray, hits: np.ndarray, squares: np.ndarray, loss: np.ndarray, bins: int, confidence: float
) -> Calibration:
    even = reliability(sure, hits, bins, confidence=confidence)
    full = reliability(sure, hits, bins, mass=True, confidence=confidence)
    return Calibration(
        even, full, _error(even), _error(full), *(_mean(values) for values in (squares, loss, sure, hits))
    )


def _error(bins: tuple[Bin, ...]) -> float:
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.right - one.sure) for one in bins) / total if total else math.nan


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _logs(probability: np.ndarray) -> np.ndarray:
    """float64: logits up to a constant a row. A probability that was rounded to 0 counts as the least that is not."""
    least = np.finfo(probability.dtype).tiny
    logs: np.ndarray = np.log(np.maximum(probability, least).astype(np.float64))
    return logs


def _cooled(logs: np.ndarray, coldness: float) -> np.ndarray:
    scaled = logs * coldness
    scaled -= scaled.max(1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(1, keepdims=True)
    return np.asarray(scaled)
