"""A clock that jumps changes the dates that are shown, and nothing else."""

from __future__ import annotations

import ast
import io
import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.data.batches.batch import Batch
from danlu.data.cache import lock as cache_lock
from danlu.runs import find, resume
from danlu.training.events import FitStarted, StepsDone
from danlu.training.loop import fit
from danlu.training.plan import CheckpointPolicy, Plan
from danlu.watch.journal import curves, read
from danlu.watch.plain import Plain
from danlu.watch.tensorboard import TensorBoard
from tests.runs.small import last, recipe, same
from tests.training.feeds import ArrayFeed, blobs, cross_entropy, small_net

YEAR = 365 * 24 * 3600.0
SOURCE = Path(danlu.__file__).parent
CLOCKS = {"time", "seconds", "waited"}


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever asks for the time of day gets that of some other year, a new one each time."""
    draw, now, strftime = random.Random(1), time.time(), time.strftime

    def there() -> float:
        return now + draw.choice((-1, 1)) * draw.random() * YEAR

    class Elsewhere(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(there(), tz)

    monkeypatch.setattr(time, "time", there)
    monkeypatch.setattr(time, "time_ns", lambda: int(there() * 1e9))
    monkeypatch.setattr(time, "strftime", lambda form, at=None: strftime(form, at or time.gmtime(there())))
    for module in ("danlu.watch.lines", "danlu.watch.plain", "danlu.cli.runs"):
        monkeypatch.setattr(f"{module}.datetime", Elsewhere)
    return


def told(run: danlu.Run) -> list[dict[str, Any]]:
    """The events of training without their clocks, a block of steps as its steps: how they were cut is time's."""
    found = []
    for event in read(run.folder.events):
        plain = {key: repr(value) for key, value in event.items() if key not in CLOCKS}
        if event["type"] == "steps-done":
            for index, step in enumerate(event["steps"]):
                found.append({"step": step, **{name: repr(values[index]) for name, values in event["values"].items()}})
        elif event["type"] not in (
            "checkpoint-saved",
            "foreseen",
            "happened",
        ):  # where it lies; what memory and time it took
            found.append(plain)
    return found


def test_a_run_under_a_jumping_clock_is_the_same_run(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jumping: None
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = recipe(trained.path.parents[1])
    asked["run"] = {"folder": str(tmp_path / "runs")}  # named by the date
    asked["watch"] = {"tensorboard": True}
    screen = io.StringIO()
    run = danlu.train(asked, screen=Plain(screen, every=0.0))
    assert same(last(run), last(trained))
    assert run.metrics == trained.metrics
    assert told(run) == told(trained)
    shown = screen.getvalue()
    assert re.findall(r"\d{4}-\d\d-\d\dT", shown)
    assert not re.search(r"\b(nan|inf)\b|-\d+\s?s\b", shown)
    times = [event["time"] for event in read(run.folder.events)]
    assert times != sorted(times)  # it did jump

    cut = tmp_path / "cut"
    shutil.copytree(run.path, cut)
    for step in range(4, 9):
        shutil.rmtree(cut / "checkpoints" / f"{step:06d}")
    for path in cut.rglob("*"):
        os.utime(path, (time.time(), time.time()))  # what files say of their age is nothing either
    resumed = resume(cut, screen=False)
    assert same(last(resumed), last(trained))
    assert [event["attempt"] for event in read(resumed.folder.events)][-1] == 2
    steps, values = curves(resumed.folder.events)["train/loss"]
    wanted = curves(trained.folder.events)["train/loss"]
    assert np.array_equal(steps, wanted[0])
    assert np.array_equal(values, wanted[1])
    assert [row["status"] for row in find(run.path.parent)] == ["finished"]


def test_checkpoints_by_the_minute_go_by_a_clock_that_only_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jumping: None
) -> None:
    minutes = [0.0]

    class Slow(ArrayFeed):
        """A minute for each batch."""

        def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
            for batch in super().epoch(epoch, start):
                minutes[0] += 1
                yield batch

    monkeypatch.setattr(time, "monotonic", lambda: minutes[0] * 60)
    policy = CheckpointPolicy(tmp_path, None, 3.0, None, 100)
    fit(small_net(), cross_entropy(), Slow(*blobs(64), 4), Plan(epochs=1, checkpoint=policy))
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [3, 6, 9, 12, 15, 16]


def test_tensorboard_reads_attempts_in_their_order_though_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    now = time.time()
    for attempt, (offset, start) in enumerate([(0.0, 0), (-YEAR, 10), (-YEAR, 15), (YEAR, 18), (0.0, 19)]):
        monkeypatch.setattr(time, "time", lambda at=now + offset: at)
        board = TensorBoard(tmp_path)
        board.on(FitStarted(start, 0, 20, 1, 20, 1))
        steps = tuple(range(start, 20))
        board.on(StepsDone(20, 0, steps, {"attempt": (float(attempt),) * len(steps)}, 1, 1.0, 0.0))
        board.close()
    found = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0})
    found.Reload()
    events = found.Scalars("attempt")
    assert [event.step for event in events] == list(range(1, 21))
    assert [event.value for event in events] == [0.0] * 10 + [1.0] * 5 + [2.0] * 3 + [3.0] + [4.0]


def test_leftovers_of_a_cache_are_judged_by_their_process_not_by_their_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where locks can't be asked: a folder of the living stays, however old it seems; one of the dead goes, however new."""
    monkeypatch.setattr(cache_lock, "_locks_work", lambda folder: False)
    alive = cache_lock.aside(tmp_path, "key")
    os.utime(alive, (0, 0))
    dead = alive.with_name(alive.name.replace(f"-{os.getpid()}-", "-999999999-"))
    dead.mkdir()
    elsewhere = tmp_path / f"key{cache_lock.ASIDE}another_machine-999999999-abcd"
    elsewhere.mkdir()
    os.utime(elsewhere, (0, 0))
    cache_lock.clear_leftovers(tmp_path, "key")
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere])


SHOWN = {  # where the time of day is asked for, and only shown
    "cli/runs.py": {"fromtimestamp"},  # the list of runs
    "runs/folder.py": {"strftime"},  # the default name
    "watch/event_file.py": {"time"},  # TensorBoard's name of a file, after those that are there
    "watch/lines.py": {"now"},  # of each event
    "watch/plain.py": {"now"},  # of each line
    "watch/tensorboard.py": {"time"},  # of each value
}
WALL = {"time", "time_ns", "strftime", "localtime", "gmtime", "ctime", "now", "utcnow", "today", "fromtimestamp"}


def test_the_time_of_day_is_asked_for_only_where_it_is_shown() -> None:
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"import .*\b(time|datetime|date)\b", text):
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in ("time", "datetime", "date") and node.func.attr in WALL:
                found.setdefault(path.relative_to(SOURCE).as_posix(), set()).add(node.func.attr)
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.ImportFrom) and node.module == "time"), (
                path
            )  # would hide it from this test
    assert found == SHOWN
