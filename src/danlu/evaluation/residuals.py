"""How far predicted numbers are off."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from danlu.evaluation.predictions import NumberPredictions
from danlu.metrics.bootstrap import interval
from danlu.metrics.interval import Interval
from danlu.metrics.sampled import of_numbers

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Residuals:
    """values: mse, rmse, mae, r2, bias (the mean of predicted - true), with BCa intervals.

    quantiles: share → residual. bins: samples by rising prediction in equally full groups, {predicted, true, count}: means, in
    which a bend or a spread that grows is seen.
    """

    samples: int
    values: dict[str, float]
    intervals: dict[str, Interval]
    quantiles: dict[float, float]
    bins: tuple[dict[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for NaN."""
        return asdict(self)


def residuals(predictions: NumberPredictions, confidence: float = 0.95, bins: int = 20) -> Residuals:
    figures = of_numbers(predictions.predicted, predictions.true)
    error = predictions.residual
    spread = np.quantile(error, SHARES) if len(error) else np.full(len(SHARES), np.nan)
    groups = [group for group in np.array_split(np.argsort(predictions.predicted, kind="stable"), bins) if len(group)]
    return Residuals(
        samples=len(predictions),
        values={name: figure.value for name, figure in figures.items()},
        intervals={name: interval(figure, confidence) for name, figure in figures.items()},
        quantiles=dict(zip(SHARES, spread.tolist(), strict=True)),
        bins=tuple(
            {
                "predicted": float(predictions.predicted[group].mean()),
                "true": float(predictions.true[group].mean()),
                "count": float(len(group)),
            }
            for group in groups
        ),
    )
