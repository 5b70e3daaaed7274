"""A disk that is full or can't be written to: one clear problem, what was there stays sound, and with room again it goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import danlu
from danlu import recipe as recipes
from danlu.cli.main import main
from danlu.data import cache
from danlu.errors import DanluError, DataError, RunError
from danlu.randomness import Position
from danlu.runs import evaluate, resume
from danlu.runs.captures import CaptureWriter
from danlu.runs.folder import RunFolder, writing
from danlu.runs.predictions import PredictionWriter
from danlu.training import checkpoint, lock
from danlu.training.aside import write_whole
from danlu.training.checkpoint import State
from danlu.training.events import (
    Captured,
    CheckpointSaved,
    Event,
    FitStarted,
    LayerFigures,
    Said,
    Saving,
    StepsDone,
)
from danlu.training.nonfinite import capture
from danlu.watch.journal import Journal, read
from danlu.watch.tensorboard import TensorBoard
from tests.data.cached_tables import image_kinds, png_table
from tests.runs.disks import apart, fill, read_only, small
from tests.runs.small import archive, last, recipe, same
from tests.training.feeds import ArrayFeed, blobs

RAW = np.zeros((8, 8), np.uint8)


class Filler:
    """A screen that fills the disk when the checkpoint of a step is saved."""

    wants_snapshots = False

    def __init__(self, folder: Path, step: int, leave: int) -> None:
        self.folder, self.step, self.leave = folder, step, leave

    def on(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step == self.step:
            fill(self.folder, self.leave)

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


def on_disk(trained: Any, disk: Path, name: str) -> dict[str, Any]:
    """The recipe of ``trained`` with its run on ``disk`` and everything else where it was, TensorBoard's files too."""
    asked = recipe(trained.path.parents[1])
    asked["run"] = {"folder": str(disk), "name": name}
    asked["watch"] = {"tensorboard": True}
    return asked


def filled(whole: Any, place: Path, leaves: range) -> None:
    """The disk fills up in the second epoch with ever more room left: training stops in one writer after the other."""
    os.chdir(place)
    disk = small(place / "disk", 1000)
    stopped: set[str] = set()
    for leave in leaves:
        name = f"leave-{leave}"
        with pytest.raises(RunError, match="No space left on device") as caught:
            danlu.train(on_disk(whole, disk, name), screen=Filler(disk, 5, leave))
        (problem,) = caught.value.problems
        assert problem.remedy
        assert caught.value.exit_code
        stopped.add(problem.where.replace(name, "NAME"))
        for path in checkpoint.listed(disk / name / "checkpoints"):
            assert checkpoint.verify(path) == "", path
        assert checkpoint.verify(disk / name / "best") == ""
        assert read(disk / name / "events.jsonl")
        (disk / "filler").unlink()
        resumed = resume(disk / name, screen=False)
        assert same(last(resumed), last(whole))
        assert resumed.metrics == whole.metrics
        # The report is written by the command line and danlu.train alone.
        names = {path.name for path in whole.path.iterdir()} - {"report.html"}
        assert {path.name for path in (disk / name).iterdir()} == {*names, "tensorboard"}
        shutil.rmtree(disk / name)
    assert len(stopped) > min(2, len(leaves) - 1), stopped


def test_a_training_whose_disk_fills_up_stops_clearly_and_goes_on_with_room(trained: Any, tmp_path: Path) -> None:
    apart(lambda: filled(trained, tmp_path, range(0, 16, 8)))


@pytest.mark.slow
def test_wherever_the_disk_fills_up(trained: Any, tmp_path: Path) -> None:
    apart(lambda: filled(trained, tmp_path, range(24)))


def test_a_disk_that_is_too_small_is_said_before_the_first_step(trained: Any, tmp_path: Path) -> None:
    def work() -> None:
        os.chdir(tmp_path)
        asked = on_disk(trained, tmp_path / "disk", "run")
        for pages in (4, 40):  # not even one checkpoint; one, but not those that are kept
            disk = small(tmp_path / "disk", pages)
            with pytest.raises(RunError) as caught:
                danlu.train(asked, screen=False)
            (problem,) = caught.value.problems
            assert str(disk) in problem.where
            assert problem.remedy
            assert pages == 4 or "checkpoints need about" in problem.what
            assert list(disk.iterdir()) == []

    apart(work)


def test_what_a_resumed_run_has_there_is_not_asked_for_again(trained: Any, tmp_path: Path) -> None:
    """On a disk that holds the run and one checkpoint more there is room to go on, though not for a second such run."""

    def work() -> None:
        os.chdir(tmp_path)
        disk = small(tmp_path / "disk", 1000)
        shutil.copytree(trained.path, disk / "run")
        fill(disk, 60)
        assert resume(disk / "run", screen=False).status == "finished"
        assert main(["resume", str(disk / "run")]) == 0
        fill(disk, 1)
        assert main(["resume", str(disk / "run")]) == 2
        (disk / "filler").unlink()
        fill(disk, 60)
        with pytest.raises(RunError, match="checkpoints need about"):
            danlu.train(on_disk(trained, disk, "other"), screen=False)

    apart(work)


def test_no_more_files_is_a_full_disk_too(tmp_path: Path) -> None:
    def work() -> None:
        disk = small(tmp_path / "disk", 400, files=12)
        state = State({"net": {"w": torch.ones(4)}}, {"step": 1})
        checkpoint.save(disk / "000001", state)
        checkpoint.save(disk / "000002", state)
        with pytest.raises(RunError, match="No space left on device"):
            checkpoint.save(disk / "000003", state)
        assert [path.name for path in sorted(disk.iterdir())] == ["000001", "000002"]
        assert checkpoint.newest(disk, pytest.fail) is not None

    apart(work)


def _checkpoint(disk: Path) -> None:
    checkpoint.save(disk / "000001", State({"net": {"w": torch.ones(4000)}}, {}))


def _events(disk: Path) -> None:
    journal = Journal(disk / "events.jsonl", 1)
    try:
        for step in range(100):
            journal.on(Said(step, 0, "x" * 500))
    finally:
        journal.close()


def _predictions(disk: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4000, 3)).astype(np.float32)
    with PredictionWriter(disk / "test.parquet") as writer:
        writer.add([str(row) for row in range(4000)], {}, {"p": values})


def _picture(disk: Path) -> None:
    with writing(disk / "test.png"):
        write_whole(disk / "test.png", b"x" * 20_000)


def _tensorboard(disk: Path) -> None:
    board = TensorBoard(disk / "tensorboard")
    try:
        board.on(FitStarted(0, 0, 100, 1, 100, 1))
        for step in range(100):
            board.on(StepsDone(step + 1, 0, (step,), {f"value{index}": (1.0,) for index in range(60)}, 1, 1.0, 0.0))
    finally:
        board.close()


def _beginnings(disk: Path) -> None:
    asked = recipes.from_dict({"run": {"folder": str(disk), "name": "run"}})
    RunFolder.create(asked, lambda folder: folder.write_json(folder.card, {"x": "y" * 20_000})).release()


def _cache(disk: Path) -> None:
    cache.fill(png_table(40), image_kinds(), disk)


def _captured(disk: Path) -> None:
    (batch, *_) = ArrayFeed(*blobs(400), 400).epoch(0)
    with writing(disk):  # its caller tells it beside what was found
        capture.keep(disk / "captures", [batch], Position(0), [[]], {})


def _looks(disk: Path) -> None:
    writer = CaptureWriter(disk / "captures", 1)
    draw = np.random.default_rng(0)
    for step in range(200):
        means = draw.random(20).tolist()
        rows = [
            LayerFigures(f"{i}", "ReLU", 0, "", 9, mean, mean, False, b"", 0, None, mean)
            for i, mean in enumerate(means)
        ]
        writer.on(Captured(step, 0, tuple(rows), ()))
    writer.on(Saving(200, 0))


@pytest.mark.parametrize(
    "write",
    [_checkpoint, _events, _predictions, _picture, _tensorboard, _beginnings, _cache, _captured, _looks],
    ids=lambda f: f.__name__,
)
def test_every_writer_says_where_and_what_to_do_and_leaves_nothing_half(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    def work() -> None:
        disk = small(tmp_path / "disk", 400)
        fill(disk, 2)
        with pytest.raises(DanluError) as caught:
            write(disk)
        (problem,) = caught.value.problems
        assert str(disk) in problem.where
        assert "disk" in problem.what or "No space left" in problem.what or "GiB" in problem.what
        assert problem.remedy
        left = [path for path in disk.rglob("*") if path.is_file() and ".lock" not in str(path)]
        assert {path.name.partition(".out")[0] for path in left} <= {"filler", "events.jsonl", "events"}, left
        (disk / "filler").unlink()
        for path in disk.glob("events.jsonl"):
            assert [record["step"] for record in read(path)] == list(range(len(read(path))))
            path.unlink()
        for path in disk.glob("tensorboard/*"):
            path.unlink()
        write(disk)

    apart(work)


def test_a_cache_that_is_being_filled_gives_up_in_one_problem_wherever_the_disk_is_full(tmp_path: Path) -> None:
    def work() -> None:
        disk = small(tmp_path / "disk", 400)
        for leave in range(1, 9):  # one more would be enough
            fill(disk, leave)
            with pytest.raises(DataError) as caught:
                _cache(disk)
            (problem,) = caught.value.problems
            assert "The disk is full" in problem.what or "GiB" in problem.what
            assert {path.name for path in disk.iterdir()} <= {"filler", ".locks"}
        fill(disk, 30)
        _cache(disk)

    apart(work)


def test_tensorboard_reads_what_was_written_before_the_disk_was_full(tmp_path: Path) -> None:
    def work() -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        disk = small(tmp_path / "disk", 400)
        board = TensorBoard(disk)
        board.on(FitStarted(0, 0, 100, 1, 100, 1))
        fill(disk, 1)
        told: list[int] = []

        def tell() -> None:
            while True:
                board.on(StepsDone(len(told) + 1, 0, (len(told),), {"a": (1.0,)}, 1, 0.0, 0.0))
                told.append(len(told) + 1)

        with pytest.raises(RunError, match="No space left"):
            tell()
        (disk / "filler").unlink()
        board.on(StepsDone(len(told) + 1, 0, (len(told),), {"a": (1.0,)}, 1, 0.0, 0.0))
        told.append(len(told) + 1)
        board.close()
        found = EventAccumulator(str(disk), size_guidance={"scalars": 0})
        found.Reload()
        assert [event.step for event in found.Scalars("a")] == told
        assert len(told) > 10

    apart(work)


def test_the_lock_holds_on_a_full_disk(tmp_path: Path) -> None:
    def work() -> None:
        disk = small(tmp_path / "disk", 4, files=10)
        (disk / lock.FILE).touch()
        fill(disk)
        held = lock.hold(disk)
        assert lock.in_use(disk)
        with pytest.raises(RunError, match="another process is writing"):
            lock.hold(disk)
        lock.release(held)

    apart(work)


def test_a_run_that_can_only_be_read_is_read(trained: Any, tmp_path: Path) -> None:
    def work() -> None:
        os.chdir(tmp_path)
        shutil.copytree(trained.path, tmp_path / "runs" / "small")
        asked, run, wanted = (
            recipe(trained.path.parents[1]),
            danlu.Run(tmp_path / "runs" / "small"),
            trained.predict([RAW]),
        )
        read_only(tmp_path / "runs")
        read_only(Path(asked["data"]["cache"]))
        with pytest.raises(OSError, match="Read-only"):
            (run.path / "x").touch()
        assert run.status == "finished"
        assert run.metrics
        assert danlu.load(run.path).predict([RAW]) == wanted
        with pytest.raises(RunError, match="Read-only file system") as caught:
            resume(run.path, screen=False)
        assert caught.value.problems[0].remedy
        with pytest.raises(RunError, match=r"test\.parquet: it could not be written: .*Read-only"):
            evaluate(run.path)
        with pytest.raises(RunError, match="Read-only") as caught:
            danlu.train({**asked, "run": {"folder": str(tmp_path / "runs"), "name": "second"}}, screen=False)
        archive(tmp_path / "other.npz", seed=4)  # not in the cache
        data = {**asked["data"], "source": str(tmp_path / "other.npz")}
        with pytest.raises(DataError, match="Read-only") as refused:
            danlu.train({**asked, "data": data, "run": {"folder": str(tmp_path / "new")}}, screen=False)
        assert "data.cache" in refused.value.problems[0].remedy

    apart(work)


def test_a_place_that_is_no_folder_is_said_everywhere(tmp_path: Path) -> None:
    """For systems without mounts of one's own: a regular file stands where a folder should be made."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    for write in (_checkpoint, _events, _predictions, _picture, _tensorboard, _beginnings, _cache):
        with pytest.raises(DanluError) as caught:
            write(blocked / "in")
        (problem,) = caught.value.problems
        assert str(blocked) in problem.where, write
        assert problem.remedy
    assert blocked.read_text() == ""
