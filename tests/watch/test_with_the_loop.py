"""With the real loop: the curves of a run that was killed and resumed are those of one that was not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from danlu.training.events import Event, StepsDone
from danlu.training.loop import fit
from danlu.training.plan import CheckpointPolicy, Judged, Plan
from danlu.watch.console import Console
from danlu.watch.journal import Journal, curves, evaluations, read
from danlu.watch.plain import Plain
from danlu.watch.tensorboard import TensorBoard
from tests.training.feeds import ArrayFeed, blobs, cross_entropy, small_net


class KilledError(Exception):
    pass


class Killer:
    """Ends the run after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on(self, event: Event) -> None:
        if isinstance(event, StepsDone) and event.step >= self.step:
            raise KilledError

    def close(self) -> None:
        pass


def run(folder: Path, attempt: int, kill_at: int = 10_000) -> None:
    feed = ArrayFeed(*blobs(90), 12)

    def judge(net: nn.Module) -> Judged:
        net.eval()
        with torch.no_grad():
            return Judged({"val/loss": float(nn.functional.cross_entropy(net(feed.inputs), feed.targets))})

    policy = CheckpointPolicy(folder / "checkpoints", every_steps=3, every_minutes=None, every_epochs=1, keep=100)
    plan = Plan(
        epochs=3, seed=9, monitor=("val/loss", -1), checkpoint=policy, log_seconds=1e-9 if kill_at < 100 else 1.0
    )
    board = TensorBoard(folder / "tensorboard")
    screens: list[Any] = [Plain(io.StringIO()), Console(io.StringIO(), refresh=0.01)]
    watchers = [Journal(folder / "events.jsonl", attempt), board, *screens, Killer(kill_at)]
    try:
        fit(small_net(), cross_entropy(), feed, plan, judge=judge, watchers=watchers, resume=attempt > 1)
    finally:
        for watcher in watchers:
            watcher.close()


@pytest.mark.parametrize("kills", [(4,), (9, 9), (8, 12, 20)])
def test_curves_are_the_same_whether_killed_or_not(tmp_path: Path, kills: tuple[int, ...]) -> None:
    """Killed after those steps: in the middle of an epoch, at its end before the evaluation, again and again."""
    through, broken = tmp_path / "a", tmp_path / "b"
    through.mkdir()
    broken.mkdir()
    run(through, 1)
    for attempt, step in enumerate(kills, start=1):
        with pytest.raises(KilledError):
            run(broken, attempt, step)
        with (broken / "events.jsonl").open("ab") as file:
            file.write(b'{"attempt": 1, "ty')
    run(broken, len(kills) + 1)
    whole, found = curves(through / "events.jsonl"), curves(broken / "events.jsonl")
    assert list(whole) == list(found)
    assert whole["train/loss"][0].tolist() == list(range(1, 25))
    assert whole["val/loss"][0].tolist() == [8, 16, 24]
    for name in whole:
        np.testing.assert_array_equal(found[name][0], whole[name][0])
        np.testing.assert_array_equal(found[name][1], whole[name][1])
    assert [record["best"] for record in evaluations(broken / "events.jsonl")] == [
        record["best"] for record in evaluations(through / "events.jsonl")
    ]
    assert len(read(broken / "events.jsonl")) > len(read(through / "events.jsonl"))
    boards = []
    for folder in (through, broken):
        board = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0})
        board.Reload()
        boards.append(board)
    for name in ("train/loss", "lr", "val/loss"):
        first, second = ([(event.step, event.value) for event in board.Scalars(name)] for board in boards)
        assert first == second
    assert len(boards[1].Histograms("parameters/0.weight")) >= 3
