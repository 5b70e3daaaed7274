"""``train.batch_size: auto``: which size is taken, by what, and that it is nothing but that number afterwards."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import danlu
from danlu import recipe as recipes
from danlu.recipe.names import spec_of
from danlu.runs import batch_size, resume
from danlu.runs.assembling import assemble
from danlu.runs.batch_size import LEAST, MOST, STEPS, Tried, chosen, sizes, try_sizes
from danlu.training import checkpoint
from danlu.training.forecast.figures import Took
from tests.runs import small


@given(st.integers(1, 200_000), st.integers(1, 8))
def test_sizes_are_powers_of_two_that_leave_an_epoch_its_steps(rows: int, accumulate: int) -> None:
    found = sizes(rows, accumulate)
    assert found[0] == LEAST
    assert all(later == 2 * earlier for earlier, later in itertools.pairwise(found))
    assert found[-1] <= MOST
    assert all(rows / (size * accumulate) >= STEPS for size in found[1:])
    assert found[-1] == MOST or rows / (2 * found[-1] * accumulate) < STEPS  # the next would leave too few


@pytest.mark.parametrize(
    ("rates", "expected"), [([100, 190, 300, 310], 64), ([100], 16), ([100, 95, 90], 16), ([10, 20, 40, 80], 128)]
)
def test_the_smallest_of_the_fast_ones_is_taken(rates: list[float], expected: int) -> None:
    assert chosen([Tried(LEAST * 2**power, rate, 0) for power, rate in enumerate(rates)]).size == expected


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine by numbers: 0.1 s a step and 0.01 s a sample, 1000 bytes and 10 a sample. Which sizes were tried."""
    asked: list[int] = []

    def try_out(net: Any, objective: Any, feed: Any, plan: Any) -> Any:
        size = len(feed.batch)
        asked.append(size)
        memory = SimpleNamespace(whole=1000 + 10 * size)
        return SimpleNamespace(samples=size, took=Took(0.1 + 0.01 * size, 0.0), memory=memory)

    monkeypatch.setattr(batch_size, "try_out", try_out)
    return asked


def tried(room: float) -> list[Tried]:
    from danlu.training.plan import Plan

    return try_sizes(torch.nn.Linear(1, 1), None, Plan(), lambda size: [0] * size, sizes(10**6, 1), room)  # type: ignore[arg-type, return-value]


def test_no_size_is_tried_that_would_not_fit(measured: list[int]) -> None:
    """64 would hold 1640 bytes: the line through the two before says so."""
    assert [one.size for one in tried(1600)] == [16, 32]
    assert measured == [16, 32]


def test_where_even_the_smallest_is_too_large_it_is_taken_all_the_same(measured: list[int]) -> None:
    assert [one.size for one in tried(100)] == [16]


def test_slow_steps_end_the_trial(measured: list[int]) -> None:
    """A step of 512 takes 5.2 s: nothing larger is tried."""
    found = tried(1e9)
    assert [one.size for one in found] == measured == [16, 32, 64, 128, 256, 512]
    assert chosen(found).size == 128  # 92.8 % of what 512 gives


def asked(place: Path, size: int | str, **train: Any) -> dict[str, Any]:
    if not (place / "data.npz").exists():
        small.archive(place / "data.npz", rows=1200)
    recipe = small.recipe(place, batch_size=size, epochs=1, **train)
    recipe["train"]["checkpoint"] = {"every_steps": 10, "every_epochs": 1, "every_minutes": None, "keep": 100}
    recipe["run"]["name"] = f"of-{size}"
    return recipe | {"evaluate": {"baselines": False, "report": False}}


def test_the_choice_is_frozen_and_the_run_is_that_of_the_number(tmp_path: Path) -> None:
    run = danlu.train(asked(tmp_path, "auto"), screen=False)
    written = recipes.load(run.path / "recipe.yaml")
    size = written.train.batch_size
    assert size in (16, 32)  # 720 training rows
    assert written.train.optimizer.lr == 0.01
    other = danlu.train(asked(tmp_path, size), screen=False)
    ours, theirs = (checkpoint.listed(each.path / "checkpoints") for each in (run, other))
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert small.same(checkpoint.load(ours[-1]), checkpoint.load(theirs[-1]))
    for path in ours[1:]:
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    assert small.same(small.last(resume(run.path, screen=False)), checkpoint.load(theirs[-1]))


def test_what_is_said_tells_of_the_learning_rate(tmp_path: Path) -> None:
    for rows, what in ((1200, "samples per second"), (100, "fewer than 20 steps")):
        place = tmp_path / str(rows)
        place.mkdir()
        small.archive(place / "data.npz", rows=rows)
        recipe = recipes.complete(recipes.from_dict(asked(place, "auto")))
        made = assemble(recipe, spec_of(recipe.task))
        value, reason = made.choices.made["train.batch_size"]
        assert value == made.batches.batch_size == made.recipe.train.batch_size
        assert what in reason
        assert "the learning rate is as asked" in reason
        assert made.plan.lr == 0.01
