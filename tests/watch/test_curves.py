from __future__ import annotations

import time

import numpy as np
import pytest

from danlu.watch.curves import BLOCKS, Trace, buckets, sparkline


@pytest.mark.parametrize(("size", "count"), [(1, 1), (5, 10), (10, 3), (1000, 7), (4096, 1000)])
def test_buckets_agree_with_numpy_bucket_by_bucket(size: int, count: int) -> None:
    values = np.random.default_rng(0).normal(size=size)
    found = buckets(values, count)
    parts = np.split(values, found.first[1:])
    assert len(parts) == min(size, count)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    np.testing.assert_array_equal(found.low, [part.min() for part in parts])
    np.testing.assert_array_equal(found.high, [part.max() for part in parts])
    np.testing.assert_allclose(found.mean, [part.mean() for part in parts], rtol=1e-12, atol=1e-15)


def test_nan_points_are_left_out_and_infinite_ones_shown() -> None:
    nan, inf = np.nan, np.inf
    found = buckets([1, nan, 3, nan, nan, nan, inf, 5, 2], 3)
    np.testing.assert_array_equal(found.low, [1, nan, 2])
    np.testing.assert_array_equal(found.high, [3, nan, inf])
    np.testing.assert_array_equal(found.mean, [2, nan, inf])
    assert len(buckets([], 4).mean) == 0
    with pytest.raises(ValueError, match="at least 1"):
        buckets([1.0], 0)


def test_a_million_points_take_milliseconds() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    taken = []
    for _ in range(5):
        since = time.process_time()
        buckets(values, 1000)
        taken.append(time.process_time() - since)
    assert min(taken) < 0.1  # 3 ms on a quiet core


def test_sparkline_rises_with_the_values() -> None:
    assert sparkline(range(8), 8) == BLOCKS
    assert sparkline(range(100, 900), 8) == BLOCKS
    assert sparkline([3, 3, 3], 8) == BLOCKS[0] * 3
    assert sparkline([1, np.nan, 2], 8) == f"{BLOCKS[0]} {BLOCKS[-1]}"
    assert sparkline([np.nan, np.inf], 8) == "  "
    assert sparkline([], 8) == sparkline([1, 2], 0) == ""
    assert sparkline([-1.7e308, 1.7e308], 2) == BLOCKS[0] + BLOCKS[-1]


def test_sparkline_of_a_loss_that_falls_by_factors_is_logarithmic() -> None:
    assert sparkline([10.0**-power for power in range(8)], 8) == BLOCKS[::-1]


def test_trace_keeps_means_of_equal_parts_in_bounded_memory() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    trace = Trace(capacity=64)
    for part in np.array_split(values, 997):
        trace.add(part)
    assert len(trace.means) <= 65
    full = len(values) // trace.stride * trace.stride
    expected = values[:full].reshape(-1, trace.stride).mean(1)
    np.testing.assert_allclose(trace.means[: len(expected)], expected)
    np.testing.assert_allclose(trace.means[len(expected) :], [values[full:].mean()] if full < len(values) else [])


def test_trace_is_the_same_however_the_points_come() -> None:
    values = np.arange(5000.0)
    whole, single = Trace(32), Trace(32)
    whole.add(values)
    for value in values:
        single.add([value])
    assert whole.stride == single.stride
    np.testing.assert_allclose(whole.means, single.means)


def test_trace_shows_short_curves_as_they_are() -> None:
    trace = Trace(8)
    assert len(trace.means) == 0
    trace.add([3.0, np.nan, 1.0])
    np.testing.assert_array_equal(trace.means, [3.0, np.nan, 1.0])
    with pytest.raises(ValueError, match="even"):
        Trace(5)
