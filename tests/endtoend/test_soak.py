"""Training for long, and very often: memory, open files, threads, processes and files in the run's folder stay as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from danlu.runs.captures import PIECES, TABLES
from danlu.watch.history import curves, evaluations, last_attempt, records
from tests.endtoend.footprint import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux what a process holds"),
]
STEPS = 20_000

Told = dict[str, np.ndarray]


def soaked(folder: Path, work: str, count: int) -> Told:
    """What the process held after each epoch or turn, as columns."""
    environment = {
        **os.environ,
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own would keep what is free, some MB more or less
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    words = [sys.executable, "-m", "tests.endtoend.soaking", work, str(count)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: np.asarray([row[name] for row in rows]) for name in rows[0]}


def settled(told: Told) -> Told:
    """Without the first quarter, in which things are loaded and pools are filled."""
    return {name: values[len(values) // 4 :] for name, values in told.items()}


def slope(told: Told, name: str) -> float:
    """By how much it grows each step (or turn): least squares."""
    return float(np.polyfit(told["step"], told[name], 1)[0])


def constant(told: Told, *names: str) -> bool:
    return all(len(set(told[name].tolist())) == 1 for name in names)


def test_twenty_thousand_steps(tmp_path: Path) -> None:
    told = soaked(tmp_path, "long", STEPS)
    assert told["step"][-1] == STEPS
    late = settled(told)
    assert slope(late, "memory") * 10_000 < 1.0  # MB
    assert constant(late, "files", "children")
    assert np.ptp(late["threads"]) <= 4  # a pool starts its own when it first needs them; a leak would be hundreds
    pieces = len(TABLES) * PIECES  # of captures, before they are joined
    assert np.ptp(late["inside"]) < 10 + pieces  # one checkpoint more while the oldest is still there
    run = tmp_path / "runs" / "long"
    assert not [path for path in run.rglob("*") if path.name.endswith((".part", ".old"))]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["019200", "019600", "020000"]
    assert len(list((run / "tensorboard").iterdir())) == 1
    assert_the_journal_is_whole(run / "events.jsonl", told)


def assert_the_journal_is_whole(journal: Path, told: Told) -> None:
    """It grows with the steps alone, and is read record by record."""
    halves = np.array_split(np.diff(told["journal"]) / np.diff(told["step"]), 2)
    assert max(half.mean() for half in halves) < 300  # bytes a step
    assert abs(halves[1].mean() / halves[0].mean() - 1) < 0.2
    assert last_attempt(journal) == 1
    steps, losses = curves(journal)["train/loss"]
    assert steps.tolist() == list(range(1, STEPS + 1))
    assert np.isfinite(losses).all()
    assert len(evaluations(journal)) == len(told["step"]) + 1
    tracemalloc.start()
    deque(records(journal), maxlen=0)
    assert tracemalloc.get_traced_memory()[1] < 1e6 < journal.stat().st_size
    tracemalloc.stop()


def test_many_epochs_of_other_processes(tmp_path: Path) -> None:
    told = soaked(tmp_path, "streaming", 60)
    during = settled({name: values[:-1] for name, values in told.items()})
    assert constant(during, "files", "threads", "children")
    assert during["children"][0] == 4  # two for training, two for evaluation
    assert slope(during, "memory") * 1000 < 5.0
    assert told["children"][-1] == 0
    assert told["files"][-1] < during["files"][-1]


@pytest.mark.parametrize(("work", "times"), [("fit", 200), ("train", 60)])
def test_many_trainings_in_one_process(tmp_path: Path, work: str, times: int) -> None:
    late = settled(soaked(tmp_path, work, times))
    assert constant(late, "files", "threads", "children")
    assert slope(late, "memory") * 100 < 1.5
