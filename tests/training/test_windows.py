"""Batches that are transformed together: the same bits as each by itself, and only where that is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from danlu.data.augment.pipeline import build
from danlu.data.augment.stages import Warp
from danlu.data.batches.batch import Batch, Padded
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import Position, keys_of
from danlu.training import checkpoint, windows
from danlu.training.events import StepsDone
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.plan import CheckpointPolicy, Plan, transformed
from danlu.training.windows import Windows
from tests.data.augmented import kinds_of, named, pictures


class Pictures:
    """100 pictures and their places; instant, as columns in memory are. asked: batches that were taken so far."""

    instant = True

    def __init__(self, size: int, channels: int, last: bool) -> None:
        self.size, self.asked = size, 0
        self.columns = {"image": pictures(100, channels, 9, 9, last=last), "place": torch.arange(100)}
        self.keys = keys_of(str(i) for i in range(100))

    def __len__(self) -> int:
        return -(-100 // self.size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        rows = np.random.default_rng(epoch).permutation(100)
        for first in range(start * self.size, 100, self.size):
            some = rows[first : first + self.size]
            columns = {name: value[torch.from_numpy(some)] for name, value in self.columns.items()}
            self.asked += 1
            yield Batch(columns, ("image",), some, self.keys[some])


def test_what_is_saved_between_two_of_them_is_no_time_of_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Seconds:
        def __init__(self) -> None:
            self.told: list[float] = []

        def on(self, event: Any) -> None:
            self.told += [event.seconds] if isinstance(event, StepsDone) else []

    ticks = count()
    saved: list[float] = []

    def slowly(*given: Any) -> Path:
        saved.append(100.0)
        return save(*given)

    monkeypatch.setattr(time, "perf_counter", lambda: 1e-6 * next(ticks) + sum(saved))  # a clock that only saving moves

    save, feed, seconds = checkpoint.save, Pictures(5, 1, False), Seconds()
    monkeypatch.setattr(checkpoint, "save", slowly)
    feed.columns["place"] %= 3
    often = CheckpointPolicy(tmp_path, every_steps=3, keep=1)
    plan = replace(plan_of(feed, "flip"), epochs=1, checkpoint=often)
    net = nn.Sequential(Float(), nn.Flatten(), nn.Linear(81, 3))
    fit(net, Objective({"loss": CrossEntropy(target="place")}), feed, plan, watchers=[seconds])
    assert len(seconds.told) == 7  # six times something was saved in the midst of the epoch
    assert len(saved) == 7
    assert sum(seconds.told) < 1


class Float(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float() / 255


def plan_of(feed: Pictures, *choices: Any, accumulate: int = 1) -> Plan:
    kinds = kinds_of({"image": feed.columns["image"]})
    return Plan(seed=5, accumulate=accumulate, transforms=build(named(*choices), kinds), kinds=kinds)


@pytest.mark.parametrize(("channels", "last"), [(1, False), (1, True), (3, True), (3, False)])
@pytest.mark.parametrize(("accumulate", "start"), [(1, 0), (3, 0), (1, 5), (2, 4)])
def test_together_they_are_what_each_is_by_itself(channels: int, last: bool, accumulate: int, start: int) -> None:
    feed = Pictures(7, channels, last)
    plan = plan_of(feed, "flip", {"crop": 2}, accumulate=accumulate)
    given, steps = list(feed.epoch(3, start)), iter(range(99))
    found = list(Windows(feed, plan, lambda seconds: None).epoch(3, start, lambda: next(steps)))
    assert [len(window.batches) for window in found[:-1]] == [accumulate] * (len(found) - 1)
    raw, made = ([one for window in found for one in window[which]] for which in (0, 1))
    assert len(raw) == len(made) == len(given)
    for one, other, batch in zip(raw, made, given, strict=True):
        wanted = transformed(batch, Position(5, 3), plan)
        assert torch.equal(one.columns["image"], batch.columns["image"])
        for name in wanted.columns:
            assert torch.equal(other.columns[name], wanted.columns[name])
            assert other.columns[name].stride() == wanted.columns[name].stride()  # type: ignore[union-attr]
        assert (other.rows.tolist(), other.keys.tolist()) == (batch.rows.tolist(), batch.keys.tolist())
        assert other.inputs == batch.inputs


def test_the_first_is_taken_alone_and_then_as_many_as_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Pictures(4, 1, False)
    monkeypatch.setattr(windows, "_MOST", 3 * 4 * (81 + 8))
    asked = [feed.asked for _ in Windows(feed, plan_of(feed, "flip"), lambda seconds: None).epoch(0, 0, lambda: 0)]
    assert asked[:7] == [1, 4, 4, 4, 7, 7, 7]


@pytest.mark.parametrize("choice", [{"crop": {"padding": 2, "fill": "mean"}}, {"rotate": 15}, "color-jitter", "mixup"])
def test_what_computes_or_mixes_is_done_batch_by_batch_at_its_step(choice: Any) -> None:
    feed, seen = Pictures(10, 3, True), []
    plan = plan_of(feed, "flip", choice)

    def step() -> int:
        seen.append(feed.asked)
        return len(seen)

    if choice == "mixup":
        assert not all(getattr(transform, "copies", False) for transform in plan.transforms)
        return
    for _ in Windows(feed, plan, lambda seconds: None).epoch(0, 0, step):
        pass
    assert seen == list(range(1, 11))


def test_a_feed_that_works_for_its_batches_is_asked_for_one_at_a_time() -> None:
    feed = Pictures(10, 1, False)
    feed.instant = False
    plan = plan_of(feed, "flip")
    assert isinstance(plan.transforms[0], Warp)
    assert plan.transforms[0].copies
    asked = [feed.asked for _ in Windows(feed, plan, lambda seconds: None).epoch(0, 0, lambda: 0)]
    assert asked == list(range(1, 11))


def test_padded_images_are_not_put_together() -> None:
    class Many(Pictures):
        def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
            for batch in super().epoch(epoch, start):
                image = batch.columns["image"]
                assert isinstance(image, torch.Tensor)
                yield batch.with_columns(image=Padded(image, torch.full((len(image), 2), 7)))

    feed = Many(10, 1, False)
    plan = plan_of(feed, "flip", {"crop": 1})
    made = [window.micros[0] for window in Windows(feed, plan, lambda seconds: None).epoch(0, 0, lambda: 0)]
    for mine, batch in zip(made, feed.epoch(0), strict=True):
        wanted = transformed(batch, Position(5, 0), plan)
        assert torch.equal(mine.columns["image"].values, wanted.columns["image"].values)  # type: ignore[union-attr]


@pytest.mark.parametrize("choices", [(), ("flip",), ({"rotate": 15},)])
def test_targets_are_counted_before_their_step_as_at_it(choices: tuple[Any, ...]) -> None:
    feed = Pictures(10, 1, False)
    feed.columns["label"] = torch.arange(100) % 4 - 1  # -1: ignored
    counted: list[Batch] = []
    term = CrossEntropy(target="label")

    def counts(batch: Batch) -> torch.Tensor:
        counted.append(batch)
        return term.count(batch).reshape(1)

    before = []
    for window in Windows(feed, plan_of(feed, *choices), lambda seconds: None, counts).epoch(0, 0, lambda: 0):
        assert [one.tolist() for one in window.counts] == [[float(term.count(batch))] for batch in window.micros]
        before.append(len(counted))
    together = choices in ((), ("flip",))
    assert before == ([1] + [10] * 9 if together else list(range(1, 11)))
