"""Wilson's interval against published numbers, its definition, and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from danlu.metrics.interval import quantile, resampled, wilson


def test_quantiles() -> None:
    assert quantile(0.95) == pytest.approx(1.959963984540054, abs=1e-12)
    assert quantile(0.99) == pytest.approx(2.5758293035489004, abs=1e-12)
    with pytest.raises(ValueError, match="between"):
        quantile(1.0)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n, 0.95) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(3, 10), (9, 10), (500, 1000)])
def test_bounds_are_the_shares_that_the_score_test_just_allows(successes: int, n: int) -> None:
    for bound in wilson(successes, n, 0.9):
        score = (successes / n - bound) / math.sqrt(bound * (1 - bound) / n)
        assert abs(score) == pytest.approx(quantile(0.9), abs=1e-9)


def test_edges() -> None:
    assert wilson(0, 5, 0.95)[0] == 0
    assert wilson(5, 5, 0.95)[1] == 1
    assert all(math.isnan(bound) for bound in wilson(0, 0, 0.95))


def test_resampling_of_a_share_is_about_its_normal_interval() -> None:
    confusion = np.array([[40, 10], [20, 30]])

    def share(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
        assert (true.sum(1) == 100).all() or true.sum() == 0
        assert (true.sum(1) == predicted.sum(1)).all()
        assert (hits <= np.minimum(true, predicted)).all()
        return {"share": hits.sum(1) / true.sum(1)}

    half = quantile(0.95) * math.sqrt(0.7 * 0.3 / 100)
    assert resampled(confusion, share, 0.95)["share"] == pytest.approx((0.7 - half, 0.7 + half), abs=0.015)
    assert resampled(confusion, share, 0.95) == resampled(confusion, share, 0.95)
    assert resampled(confusion, share, 0.95, seed=1) != resampled(confusion, share, 0.95)
