"""Charts: round ticks, and nothing drawn beside the paper, whatever the numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.evaluation.calibration import reliability as bins_of
from danlu.report.charts.axes import Scale, label, log_ticks, ticks
from danlu.report.charts.bars import Bar, bars
from danlu.report.charts.curves import Curve, curves
from danlu.report.charts.numbers import histogram, scatter
from danlu.report.charts.reliability import reliability
from tests.report.page import Read

FINITE = st.floats(-1e15, 1e15, allow_nan=False)
ANY = st.floats(width=64)


def inside(svg: str) -> None:
    """Well-formed, every coordinate a number on the paper or a little beside it."""
    found = Read()
    found.feed(svg)
    found.close()
    box = next(attributes for name, attributes in found.tags if name == "svg")["viewbox"]
    _, _, width, height = map(float, str(box).split())
    across, down = (-0.1 * width, 1.1 * width), (-0.1 * height, 1.1 * height)
    for _, attributes in found.tags:
        for key, value in attributes.items():
            if key in ("x", "x1", "x2", "cx"):
                assert across[0] <= float(str(value)) <= across[1], (key, value)
            if key in ("y", "y1", "y2", "cy"):
                assert down[0] <= float(str(value)) <= down[1], (key, value)
            if key in ("width", "height"):
                assert 0 <= float(str(value)) <= 1.1 * max(width, height)
            if key == "points":
                for x, y in (pair.split(",") for pair in str(value).split()):
                    assert across[0] <= float(x) <= across[1]
                    assert down[0] <= float(y) <= down[1]
            if key == "d":
                assert re.fullmatch(r"[MHVhv0-9. e-]+", str(value)), value


@given(FINITE, st.floats(1e-6, 1e15))
@settings(deadline=None)
def test_ticks_are_round_and_few(low: float, width: float) -> None:
    high = low + width
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return  # no round number need lie between
    found = ticks(low, high)
    assert len(found) <= 7
    steps = np.diff(found)
    for value in found:
        assert low - 1e-6 * width <= value <= high + 1e-6 * width
    if len(steps) > 1:
        assert steps == pytest.approx(steps[0], rel=1e-6)
        lead = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
        assert min(abs(lead - nice) for nice in (1, 2, 5, 10)) < 1e-6


@given(st.floats(1e-12, 1e12), st.floats(11, 1e12))
@settings(deadline=None)
def test_ticks_of_logarithms(low: float, times: float) -> None:
    found = log_ticks(low, low * times)
    assert 2 <= len(found) <= 7
    assert all(low * (1 - 1e-6) <= value <= low * times * (1 + 1e-6) for value in found)
    assert found == sorted(found)


@given(st.integers(1, 99), st.integers(-99, 99), st.booleans())
def test_labels_are_short(digits: int, power: int, negative: bool) -> None:
    value = float(f"{'-' if negative else ''}{digits}e{power}")
    assert len(label(value)) <= 8, label(value)


def test_labels() -> None:
    shown = {0.0: "0", 0.5: "0.5", 1500.0: "1500", 20_000.0: "20k", 3e6: "3M", 2e9: "2G", 1e-5: "1e-5", 1e16: "1e16"}
    assert {value: label(value) for value in shown} == shown


def test_a_scale_ends_at_the_frame() -> None:
    even, log = Scale(0, 10, 100, 200), Scale(1, 100, 100, 200, log=True)
    assert [even(value) for value in (0, 5, 10, 1e9, -1e9)] == [100, 150, 200, 205, 95]
    assert [log(value) for value in (1, 10, 100, 0)] == [100, 150, 200, 95]
    assert Scale(3, 3, 0, 1)(3) == 0


@given(st.lists(ANY, min_size=1, max_size=60), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_curves_stay_on_the_paper(values: list[float], band: bool, logarithms: bool) -> None:
    x = np.arange(1, len(values) + 1, dtype=np.float64)
    drawn = [Curve("a", x, np.asarray(values), "train", band), Curve("b", x, np.asarray(values[::-1]), "val")]
    inside(curves("t", "d", drawn, "epoch", (float(x[-1]), "best"), logarithms=logarithms))


def test_a_long_curve_takes_no_more_room_than_a_short_one() -> None:
    def size(count: int) -> int:
        values = np.sin(np.arange(count))
        return len(curves("t", "d", [Curve("a", np.arange(count) / count, values, "train")], "epoch"))

    assert size(1_000_000) < 1.2 * size(1000)


def test_a_gap_breaks_the_line() -> None:
    values = np.array([1.0, 0.9, np.nan, 0.7, 0.6])
    drawn = curves("t", "d", [Curve("a", np.arange(5.0), values, "train")], "epoch")
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 4


@given(st.lists(st.tuples(ANY, ANY), max_size=50))
@settings(max_examples=150, deadline=None)
def test_numbers_stay_on_the_paper(pairs: list[tuple[float, float]]) -> None:
    predicted, true = np.asarray(pairs, np.float64).reshape(-1, 2).T
    with np.errstate(over="ignore", invalid="ignore"):
        inside(scatter("t", "d", predicted, true, ("p", "t")))
        inside(histogram("t", "d", predicted - true, ("r", "n")))


def test_many_numbers_are_a_map() -> None:
    draw = np.random.default_rng(0)
    true = draw.normal(size=100_000)
    drawn = scatter("t", "d", true + 0.1 * draw.normal(size=100_000), true, ("p", "t"))
    inside(drawn)
    assert len(drawn) < 150_000
    assert "<circle" not in drawn


@given(st.lists(st.tuples(ANY, st.tuples(ANY, ANY) | st.none()), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_bars_stay_on_the_paper(rows: list[tuple[float, tuple[float, float] | None]]) -> None:
    inside(bars("t", "d", [Bar("x" * 40, value, bounds, own=True) for value, bounds in rows], "metric"))


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_reliability_stays_on_the_paper(rows: int) -> None:
    draw = np.random.default_rng(0)
    sure = draw.random(rows)
    inside(reliability("t", "d", bins_of(sure, draw.random(rows) < sure), "sure", "right", "share"))
