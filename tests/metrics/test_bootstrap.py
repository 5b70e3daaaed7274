"""Resampled intervals: they cover as often as they say, equal scipy's, and are the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import stats

from danlu.metrics.answers import Answers
from danlu.metrics.bootstrap import Figure, interval, paired
from danlu.metrics.interval import wilson
from danlu.metrics.mcnemar import mcnemar
from danlu.metrics.sampled import mean, of_classes, of_numbers

SETS, SAMPLES = 500, 300
Made = Callable[[np.random.Generator], Figure]


def classified(rng: np.random.Generator, n: int = SAMPLES) -> dict[str, Figure]:
    """Four classes of unequal size, right about 62 % of the time."""
    label = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    logits = rng.normal(size=(n, 4))
    logits[np.arange(n), label] += 1.2
    probability = np.exp(logits)
    return of_classes(Answers.of(probability / probability.sum(1, keepdims=True), label))


def two_classifiers(rng: np.random.Generator) -> Figure:
    """Right with .75 and .80, mostly on the same samples."""
    common = rng.random(SAMPLES)
    return paired(*(mean(common + 0.3 * rng.random(SAMPLES) < edge) for edge in (0.9, 0.95)))


def two_regressions(rng: np.random.Generator) -> Figure:
    """Errors of deviation 1 and √.85, correlated."""
    error = rng.normal(size=SAMPLES)
    other = 0.7 * error + 0.6 * rng.normal(size=SAMPLES)
    return paired(*(of_numbers(each, np.zeros(SAMPLES))["rmse"] for each in (error, other)))


def fitted(rng: np.random.Generator) -> Figure:
    true = rng.normal(size=SAMPLES)
    return of_numbers(true + 0.5 * rng.normal(size=SAMPLES), true)["r2"]


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    """The figures of a million samples, right to three digits."""
    whole: dict[str, list[float]] = {}
    for seed in range(20):
        for name, figure in classified(np.random.default_rng([9, seed]), 50_000).items():
            whole.setdefault(name, []).append(figure.value)
    return {name: float(np.mean(values)) for name, values in whole.items()}


def covered(make: Made, true: float, method: str, first: int, sets: int, draws: int) -> float:
    inside = []
    for index in range(sets):
        figure = make(np.random.default_rng([first, index]))
        low, high = interval(figure, 0.95, method=method, draws=draws, seed=index)  # type: ignore[arg-type]
        inside.append(low <= true <= high)
    return float(np.mean(inside))


def cases(truth: dict[str, float]) -> Iterator[tuple[str, Made, float]]:
    for name in ("accuracy", "macro-f1", "log-loss", "brier"):
        yield name, lambda rng, name=name: classified(rng)[name], truth[name]  # type: ignore[misc]
    yield "rmse", lambda rng: of_numbers(rng.normal(size=SAMPLES), np.zeros(SAMPLES))["rmse"], 1.0
    yield "r2", fitted, 0.75
    yield "difference of accuracies", two_classifiers, 0.05
    yield "difference of rmse", two_regressions, float(np.sqrt(0.85) - 1)


@pytest.mark.parametrize("name", ["accuracy", "macro-f1", "rmse", "difference of accuracies"])
def test_intervals_cover_as_often_as_they_say(name: str, truth: dict[str, float]) -> None:
    make, true = next((make, true) for case, make, true in cases(truth) if case == name)
    assert 0.93 <= covered(make, true, "bca", 0, SETS, 400) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize("name", ["log-loss", "brier", "r2", "difference of rmse", "accuracy", "macro-f1", "rmse"])
def test_every_interval_covers_as_often_as_it_says(name: str, method: str, truth: dict[str, float]) -> None:
    """1,000 other sets resolve a coverage to .7 points."""
    make, true = next((make, true) for case, make, true in cases(truth) if case == name)
    assert 0.93 <= covered(make, true, method, 1, 1000, 1000) <= 0.97


def test_the_wilson_interval_of_reports_covers() -> None:
    rng = np.random.default_rng(0)
    hits = rng.binomial(SAMPLES, 0.9, SETS)
    inside = [low <= 0.9 <= high for low, high in (wilson(int(h), SAMPLES, 0.95) for h in hits)]
    assert 0.93 <= np.mean(inside) <= 0.97


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_bounds_are_scipys(method: str) -> None:
    """Other random numbers, so equal but for the noise of 20,000 draws; skewed numbers, where BCa differs from percentile."""
    values = np.random.default_rng(0).exponential(size=60)
    got = interval(mean(values), 0.9, method=method, draws=20_000)  # type: ignore[arg-type]
    want = stats.bootstrap(
        (values,), np.mean, confidence_level=0.9, n_resamples=20_000, method=method, rng=np.random.default_rng(1)
    ).confidence_interval
    assert got == pytest.approx((want.low, want.high), abs=0.015)


def test_bca_of_samples_that_are_alike_and_of_groups() -> None:
    """Left out one by one, all that are alike at once, or by groups where samples are many: the same acceleration."""
    rng = np.random.default_rng(0)
    values = rng.exponential(size=5000)
    whole = interval(mean(values), 0.95)
    rounded = interval(mean(np.round(values, 1)), 0.95)
    assert whole == pytest.approx(rounded, abs=0.01)


def test_many_samples_are_as_good_as_normal() -> None:
    values = np.random.default_rng(0).normal(size=30_000)
    low, high = interval(mean(values), 0.95)
    half = 1.96 * values.std() / np.sqrt(30_000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.12 * half)


def test_paired_intervals_are_narrower_than_the_two_apart() -> None:
    rng = np.random.default_rng(0)
    common = rng.random(500)
    one, other = (mean(common + 0.1 * rng.random(500) < edge) for edge in (0.8, 0.82))
    low, high = interval(paired(one, other), 0.95)
    apart = [interval(figure, 0.95) for figure in (one, other)]
    assert high - low < 0.7 * sum(b - a for a, b in apart) / 2
    assert paired(one, other).value == pytest.approx(other.value - one.value)
    assert interval(paired(one, one), 0.95) == (0.0, 0.0)


def test_the_same_samples_in_another_order_give_the_same_bounds() -> None:
    figure = classified(np.random.default_rng(0))["macro-f1"]
    order = np.random.default_rng(1).permutation(len(figure.features))
    assert interval(figure, 0.9) == interval(Figure(figure.features[order], figure.of), 0.9)


def test_too_few_samples_have_no_interval() -> None:
    assert np.isnan(interval(mean(np.ones(1)), 0.95)).all()
    assert np.isnan(interval(mean(np.empty(0)), 0.95)).all()
    assert interval(mean(np.ones(5)), 0.95) == (1.0, 1.0)
    with pytest.raises(ValueError, match="same"):
        paired(mean(np.ones(3)), mean(np.ones(4)))


@pytest.mark.parametrize(("one", "other"), [(0, 0), (1, 0), (5, 5), (3, 17), (40, 10), (500, 430), (0, 1100)])
def test_mcnemar_is_the_binomial_test(one: int, other: int) -> None:
    want = stats.binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(want, rel=1e-9)
    assert mcnemar(other, one) == mcnemar(one, other)
