"""Several processes at one run: one writes, the others are refused at once or only look, and nobody sees a mixture."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.errors import RunError
from danlu.runs import evaluate, find, resume
from danlu.runs.folder import RunFolder
from danlu.training import checkpoint, lock
from danlu.training.events import CheckpointSaved, Event
from danlu.training.fitting import fit
from danlu.watch.journal import read
from tests.runs.small import last, recipe, same
from tests.training.feeds import blobs, small_net

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
fcntl = pytest.importorskip("fcntl")
RAW = np.zeros((8, 8), np.uint8)


class Other:
    """``work(ready)`` in another process, which calls ``ready`` and is waited for until then; ``end`` gives what it returned."""

    def __init__(self, work: Callable[[Callable[[], None]], int]) -> None:
        began, begin = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            code = 99
            try:
                code = work(lambda: os.write(begin, b"!") and None)
            finally:
                os._exit(code)
        os.close(begin)
        os.read(began, 1)
        os.close(began)

    def end(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def run(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> danlu.Run:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained.path, tmp_path / "run")
    return danlu.Run(tmp_path / "run")


def holding(folder: Path) -> Other:
    def work(ready: Callable[[], None]) -> int:
        lock.hold(folder)
        ready()
        signal.pause()
        return 0

    return Other(work)


def test_who_writes_is_named_to_who_is_refused_and_gone_when_killed(run: danlu.Run) -> None:
    other = holding(run.path)
    before = sorted(run.path.rglob("*"))
    with pytest.raises(RunError, match=f"process {other.pid} on .* is writing there"):
        resume(run.path, screen=False)
    assert run.status == "running"
    assert danlu.load(run.path).predict([RAW])
    assert run.metrics
    assert sorted(run.path.rglob("*")) == before
    other.kill()
    assert run.status == "finished"
    assert resume(run.path, screen=False).status == "finished"


def test_whoever_only_looks_keeps_no_writer_out(run: danlu.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking holds the lock for a moment: a resumption that comes just then must not be refused."""
    looker = os.open(run.path / lock.FILE, os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        if not waited:
            os.close(looker)
        waited.append(seconds)

    monkeypatch.setattr("danlu.training.lock.time.sleep", sleep)
    lock.release(lock.hold(run.path))
    assert len(waited) == 1


def test_of_two_resumptions_at_once_one_goes_on_and_the_other_is_refused(trained: Any, run: danlu.Run) -> None:
    for step in range(3, 9):
        shutil.rmtree(run.folder.checkpoints / f"{step:06d}")

    def work(ready: Callable[[], None]) -> int:
        ready()
        try:
            resume(run.path, screen=False)
        except RunError as error:
            return 10 if "is writing there" in str(error) else 11
        return 12

    others = [Other(work), Other(work)]
    ends = sorted(other.end() for other in others)
    assert ends in ([10, 12], [12, 12])  # or one after the other, where the machine is busy
    assert same(last(run), last(trained))
    attempts = [event["attempt"] for event in read(run.folder.events)]
    assert attempts == sorted(attempts)
    assert max(attempts) == (2 if ends[0] == 10 else 3)


def test_a_name_is_given_once_whoever_comes_first(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trainings of one name prepare at the same time: one gets the folder, whole, the other an error."""
    monkeypatch.chdir(tmp_path)
    asked = recipe(trained.path.parents[1], epochs=1)
    asked["run"] = {"folder": str(tmp_path / "runs"), "name": "one"}

    def work(ready: Callable[[], None]) -> int:
        ready()
        try:
            danlu.train(asked, screen=False)
        except RunError as error:
            return 10 if "already there" in str(error) else 11
        return 12

    assert sorted(other.end() for other in [Other(work), Other(work)]) == [10, 12]
    assert danlu.Run(tmp_path / "runs" / "one").status == "finished"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["one"]


class Slow:
    """A screen that gives others time after each checkpoint."""

    wants_snapshots = False

    def on(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            time.sleep(0.02)

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


def test_judging_and_predicting_while_a_run_goes_on(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer is that of one finished best or checkpoint, and the run ends as if nobody had looked."""
    monkeypatch.chdir(tmp_path)
    asked = recipe(trained.path.parents[1], epochs=3)
    asked["run"] = {"folder": str(tmp_path / "runs"), "name": "alone"}
    alone = danlu.train(asked, screen=False)
    asked["run"]["name"] = "watched"
    path = tmp_path / "runs" / "watched"

    def work(ready: Callable[[], None]) -> int:
        ready()
        danlu.train(asked, screen=Slow())
        return 0

    possible = {
        str(danlu.load(alone.path).predict([RAW])),
        *(str(answers(alone, saved)) for saved in checkpoint.listed(alone.folder.checkpoints)),
    }
    other, seen, judged = Other(work), 0, 0
    while not os.waitpid(other.pid, os.WNOHANG)[0]:
        if not checkpoint.listed(path / "checkpoints"):
            time.sleep(0.002)
            continue
        assert str(danlu.load(path).predict([RAW])) in possible
        seen += 1
        if seen % 5 == 1:
            assert evaluate(path)["samples"] == 7
            judged += 1
        assert [row["name"] for row in find(path.parent)] in (["alone", "watched"], ["watched", "alone"])
    assert seen > 1
    assert judged
    watched = danlu.Run(path)
    assert same(last(watched), last(alone))
    assert watched.metrics == alone.metrics
    assert not [left for left in path.rglob(".*") if left.name != ".lock"]


def answers(run: danlu.Run, saved: Path) -> Any:
    """What the weights of one checkpoint answer."""
    found = danlu.load(run.path)
    found.net.load_state_dict(dict(checkpoint.load(saved).tensors["net"]))
    return found.predict([RAW])


def test_an_own_training_has_its_folder_for_itself(tmp_path: Path) -> None:
    other = holding(tmp_path)
    x, y = blobs(20)
    with pytest.raises(RunError, match=f"process {other.pid}"):
        fit(small_net(), "cross-entropy", (x, y), epochs=1, folder=tmp_path)
    other.kill()
    fit(small_net(), "cross-entropy", (x, y), epochs=1, folder=tmp_path)
    with pytest.raises(RunError, match="resume=True"):
        fit(small_net(), "cross-entropy", (x, y), epochs=1, folder=tmp_path)
    assert fit(small_net(), "cross-entropy", (x, y), epochs=1, folder=tmp_path, resume=True).reason == "finished"


def test_a_file_system_without_locks_is_no_folder_in_use(run: danlu.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("danlu.training.lock.fcntl.flock", none)
    assert not run.folder.in_use()
    assert resume(run.path, screen=False).status == "finished"


def test_what_the_lock_says_of_its_holder_may_be_anything(run: danlu.Run) -> None:
    folder = RunFolder.open(run.path)
    for text in ("", "{", "[]", '{"pid": 1}', "\x00\xff"):
        held = lock.hold(run.path)
        (run.path / lock.FILE).write_text(text, encoding="latin-1")
        with pytest.raises(RunError, match="another process is writing there"):
            folder.lock()
        lock.release(held)
