"""Watchers look on: no event, no tensor and no random number is another after they saw it."""

from __future__ import annotations

import copy
import io
import random
from pathlib import Path

import numpy as np
import torch

from danlu.training.events import EpochDone, Evaluated, EvaluationProgress, Event, Snapshot
from danlu.watch.console import Console
from danlu.watch.journal import Journal, curves
from danlu.watch.plain import Plain
from danlu.watch.rows import Row, Rows
from danlu.watch.tensorboard import TensorBoard
from tests.watch.stories import Clock, Story


def test_watchers_alter_nothing(tmp_path: Path) -> None:
    clock = Clock()
    watchers = [
        Journal(tmp_path / "events.jsonl", 1),
        Plain(io.StringIO(), clock),
        Console(io.StringIO(), clock, 0.01),
        TensorBoard(tmp_path / "tensorboard"),
    ]
    given: list[Event] = [
        *Story(clock).events(),
        Snapshot(80, 3, {"w": torch.randn(9)}, {"w": torch.tensor([1.0, float("inf")])}),
    ]
    kept = copy.deepcopy(given)
    drawn = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index, union-attr]
    for event in given:
        for watcher in watchers:
            assert watcher.on(event) is None  # type: ignore[func-returns-value]
    for watcher in watchers:
        watcher.close()
    assert given[:-1] == kept[:-1]
    last, before = given[-1], kept[-1]
    assert isinstance(last, Snapshot)
    assert isinstance(before, Snapshot)
    torch.testing.assert_close(last.parameters, before.parameters, rtol=0, atol=0)
    torch.testing.assert_close(last.gradients, before.gradients, rtol=0, atol=0)
    assert random.getstate() == drawn[0]
    np.testing.assert_array_equal(np.random.get_state()[1], drawn[1])  # type: ignore[index]
    torch.testing.assert_close(torch.get_rng_state(), drawn[2], rtol=0, atol=0)


def test_journal_and_tensorboard_hold_the_same_curve(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    journal, board = Journal(tmp_path / "events.jsonl", 1), TensorBoard(tmp_path / "tensorboard")
    for event in Story(Clock()).events():
        journal.on(event)
        board.on(event)
    journal.close()
    board.close()
    found = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    for name, (steps, values) in curves(tmp_path / "events.jsonl").items():
        events = found.Scalars(name)
        assert [event.step for event in events] == steps.tolist()
        np.testing.assert_array_equal(np.float32([event.value for event in events]), np.float32(values))


def test_a_row_is_the_same_whichever_of_its_events_comes_first() -> None:
    def gathered(swapped: bool) -> list[Row]:
        events = [event for event in Story(Clock()).events() if not isinstance(event, EvaluationProgress)]
        if swapped:
            for index, event in enumerate(events[:-1]):
                if isinstance(event, EpochDone) and isinstance(events[index + 1], Evaluated):
                    events[index : index + 2] = [events[index + 1], event]
        rows = Rows()
        return [row for event in events if (row := rows.on(event)) is not None]

    assert len(gathered(False)) == 4
    assert gathered(True) == gathered(False)
    assert [row.best for row in gathered(False)] == [True, True, True, False]
