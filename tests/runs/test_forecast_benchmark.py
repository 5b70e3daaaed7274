"""``benchmarks/forecast.py``: what it holds against each other is what a user is told, round by round."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu.runs import happening
from tests.runs.small import recipe

FILE = Path(__file__).parents[2] / "benchmarks" / "forecast.py"


@pytest.fixture(scope="module")
def bench() -> Any:
    spec = importlib.util.spec_from_file_location("forecast_benchmark", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_forecast_is_held_against_the_training_that_follows_it(bench: Any) -> None:
    """Rounds in which both were slow agree with themselves, though not with one another; one that was disturbed does not decide."""
    pairs = [bench.Pair(10.0, 10.0), bench.Pair(22.0, 20.0), bench.Pair(45.0, 15.0)]
    assert bench.middle(pairs) == pytest.approx(0.1)
    assert bench.itself(pairs) == pytest.approx(1.0)
    assert bench.middle([bench.Pair(5.0, 10.0)]) == pytest.approx(-0.5)


def test_what_is_compared_is_what_is_told(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are those of a real forecast and a real run; looks belong to a step on both sides."""
    monkeypatch.setattr(happening, "_WORTH", 1)
    run = danlu.train(recipe(tmp_path), screen=False)
    told = {event["type"]: event for event in run.events()}
    forecast, happened = json.loads(json.dumps(told["foreseen"]["forecast"])), told["happened"]
    forecast["time"] |= {"training": 6.0, "captures": 2.0, "steps": 4, "cpu": 0.5}
    happened |= {"seconds": 1.0, "cpu": 0.25}
    found = bench.compared(forecast, happened)
    assert list(found) == list(bench.TITLES)
    assert found["wall a step"] == (2000.0, 1000.0)
    assert found["CPU a step"] == (500.0, 250.0)
    assert found["memory"].happened == happened["memory"] / 1e6
    assert found["wall in all"].happened == happened["spent"]
