"""The net beside its baselines: in words, in lines, on the screen."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from rich.text import Text

from danlu.messages import set_language
from danlu.training.events import Compared, FitDone, FitStarted
from danlu.watch import frame
from danlu.watch.console import Console
from danlu.watch.plain import Plain
from danlu.watch.state import State
from danlu.watch.verdict import amount, beside, untrained, verdict

FOUND = Compared(
    5, 0, part="test", metric="accuracy", net=0.916, baselines={"majority": 0.1, "linear": 0.85}, best="linear", difference=0.066,
    interval=(0.054, 0.078), confidence=0.95, better=1, samples=2000, beaten=True,
)  # fmt: skip
WORSE = replace(FOUND, net=0.8, difference=-0.05, interval=(-0.06, -0.04), beaten=False)
OPEN = replace(FOUND, net=0.86, difference=0.01, interval=(-0.004, 0.024), beaten=False)
UNKNOWN = replace(FOUND, interval=(math.nan, math.nan))


def test_in_words() -> None:
    assert verdict(FOUND) == (
        "The net beats the best baseline (linear, 0.8500) by 6.6 points (95 % interval 5.4 to 7.8)."
    )
    assert "does not beat" in verdict(WORSE)
    assert "worse by 5.0 points" in verdict(WORSE)
    assert "does not surely beat" in verdict(OPEN)
    assert "-0.4 to 2.4" in verdict(OPEN)
    assert verdict(UNKNOWN) == "The net beats the best baseline (linear, 0.8500) by 6.6 points."
    assert "does not beat" in verdict(replace(UNKNOWN, beaten=False, difference=-0.066))
    level = replace(FOUND, net=0.85, difference=0.0, interval=(-0.01, 0.01), beaten=False)
    assert verdict(level) == "The net is level with the best baseline (linear, 0.8500), and does not beat it."
    assert beside(FOUND) == "majority 0.1000 · linear 0.8500"


def test_a_net_beside_what_it_was_before_it_learnt() -> None:
    values = {"test/probe-accuracy": 0.53, "test/untrained-probe-accuracy": 0.58, "val/probe-accuracy": 0.9}
    told = untrained(values, "test")
    assert told is not None
    assert not told[0]
    assert "not better" in told[1]
    assert "0.5800" in told[1]
    told = untrained({**values, "test/probe-accuracy": 0.68}, "test")
    assert told is not None
    assert told[0]
    assert "10.0 points" in told[1]
    assert untrained(values, "val") is None
    assert untrained({**values, "test/probe-accuracy": math.nan}, "test") is None


def test_an_error_that_is_smaller_is_a_gain() -> None:
    error = replace(
        FOUND,
        metric="mae",
        net=2.0,
        baselines={"mean": 5.0},
        best="mean",
        difference=-3.0,
        interval=(-3.5, -2.5),
        better=-1,
    )
    assert (
        verdict(error) == "The net beats the best baseline (mean, 5.0000) by 3.0000 (95 % interval 2.5000 to 3.5000)."
    )

    worse = replace(error, net=8.0, difference=3.0, interval=(2.5, 3.5), beaten=False)
    assert "worse by 3.0000 (its gain lies between -3.5000 and -2.5000" in verdict(worse)
    unsure = replace(error, net=4.9, difference=-0.1, interval=(-0.3, 0.1), beaten=False)
    assert "better by 0.1000, but the 95 % interval, -0.1000 to 0.3000" in verdict(unsure)


def test_in_chinese_and_with_baselines_of_ones_own() -> None:
    set_language("zh")
    assert verdict(FOUND).startswith("网络优于最好的基线（线性模型，0.8500），差距为 6.6 个百分点")
    own = replace(FOUND, baselines={"my-rule": 0.85}, best="my-rule")
    assert "my-rule" in verdict(own)
    assert amount(0.02, "test/accuracy") == "2.0 个百分点"
    set_language("en")


def test_a_line() -> None:
    stream = io.StringIO()
    Plain(stream).on(FOUND)
    (line,) = stream.getvalue().splitlines()
    pairs = dict(pair.split("=", 1) for pair in line.split())
    assert pairs["event"] == "baselines"
    assert (pairs["net"], pairs["linear"], pairs["majority"]) == ("0.916", "0.85", "0.1")
    assert (pairs["difference"], pairs["difference/low"], pairs["difference/high"]) == ("0.066", "0.054", "0.078")
    assert (pairs["part"], pairs["metric"], pairs["best"], pairs["beaten"]) == ("test", "accuracy", "linear", "yes")
    stream = io.StringIO()
    Plain(stream).on(replace(UNKNOWN, beaten=False))
    assert "difference/low" not in stream.getvalue()
    assert "beaten=no" in stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_the_screen_that_stays(width: int) -> None:
    state = State()
    state.on(FOUND)
    lines = frame.summary(state, width).plain.splitlines()
    assert all(Text(line).cell_len <= width for line in lines)
    text = " ".join(line.strip() for line in lines)
    assert "The net beats the best baseline" in text
    assert "majority 0.1000" in text


def test_the_screen_shows_how_far_the_baselines_are() -> None:
    """Once training is over, a stage that takes seconds stands below, with its bar and the time left."""
    now = [0.0]
    console = Console(io.StringIO(), clock=lambda: now[0])
    try:
        console.on(FitStarted(0, 0, 10, 1, 10, 8))
        console.progress("Baseline linear", 1, 10)
        assert "Baseline linear" not in console.view().plain, "training is what is shown while it goes on"
        console.on(FitDone(10, 0, "finished", 1.0))
        now[0] = 5.0
        console.progress("Baseline linear", 5, 10)
        shown = console.view().plain
        assert "Judging the baselines" in shown
        assert "5/10" in shown
        assert "left" in shown
        console.progress("Baseline linear", 10, 10)
        console.on(FOUND)
        assert "Baseline linear" not in console.view().plain
    finally:
        console.close()
