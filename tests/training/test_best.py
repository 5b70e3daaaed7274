"""The best weights are those of the evaluation that is called the best, whatever happened to their folder."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from danlu.errors import RunError
from danlu.training import best as best_weights
from danlu.training import checkpoint, manifest
from danlu.training.checkpoint import State
from danlu.training.events import Evaluated, Said
from danlu.training.loop import Fitted, fit
from danlu.training.plan import CheckpointPolicy, Judged, Plan
from danlu.training.slots.stoppers import Best
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net

VALUES = (0.3, 0.5, 0.4, 0.5, 0.2)  # of the five evaluations: the second is the best


def training(folder: Path, stop_after: int | None = None, resume: bool = False, **plan: Any) -> tuple[Fitted, Recorder]:
    """Five epochs of four steps, a checkpoint after each. stop_after: epochs, as if the process had been killed then."""
    x, y = blobs(32)
    recorder = Recorder()
    policy = CheckpointPolicy(folder / "checkpoints", None, None, 1, 100)
    chosen = Plan(
        epochs=5, lr=0.01, monitor=("val/score", 1), best_folder=folder / "best", checkpoint=policy, **plan
    )  # fmt: skip
    parts: list[int] = []

    def judge(net: torch.nn.Module) -> Judged:
        if stop_after is not None and len(parts) == stop_after:
            raise KeyboardInterrupt
        parts.append(1)
        return Judged({"val/score": VALUES[start + len(parts) - 1]})

    saved = checkpoint.listed(folder / "checkpoints")
    start = int(saved[-1].name) // 4 if resume and saved else 0
    try:
        fitted = fit(
            small_net(), cross_entropy(), ArrayFeed(x, y, 8), chosen, judge=judge, watchers=[recorder], resume=resume
        )
    except KeyboardInterrupt:
        fitted = Fitted(small_net(), "killed", 0)
    return fitted, recorder


def bits(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def said(recorder: Recorder) -> str:
    return " ".join(event.text for event in recorder.of(Said))


@pytest.mark.parametrize(("damage", "ema"), [("flipped", None), ("gone", 0.9), ("emptied", None), ("older", 0.9)])
def test_damaged_ones_are_had_back_bit_for_bit_from_the_checkpoint_of_their_step(
    tmp_path: Path, damage: str, ema: float | None
) -> None:
    training(tmp_path / "whole", ema=ema)
    training(tmp_path / "cut", stop_after=3, ema=ema)
    best = tmp_path / "cut" / "best"
    wanted = bits(best)
    if damage == "flipped":
        data = bytearray((best / "net.safetensors").read_bytes())
        data[-1] ^= 1
        (best / "net.safetensors").write_bytes(data)
    elif damage == "gone":
        shutil.rmtree(best)
    elif damage == "emptied":
        shutil.rmtree(best)
        best.mkdir()
    else:
        state = checkpoint.load(tmp_path / "cut" / "checkpoints" / "000004")
        checkpoint.save(best, State({"net": state.tensors["ema"]}, {"epoch": 0, "step": 4, "values": {}}))
    fitted, recorder = training(tmp_path / "cut", resume=True, ema=ema)
    assert "000008" in said(recorder)
    assert "restored" in said(recorder)
    assert bits(best) == wanted == bits(tmp_path / "whole" / "best")
    assert fitted.best == {"val/score": 0.5}
    assert fitted.best_epoch == 1


def test_lost_ones_are_said_and_the_best_of_what_follows_is_kept(tmp_path: Path) -> None:
    training(tmp_path, stop_after=3)
    (tmp_path / "best" / "net.safetensors").unlink()
    shutil.rmtree(tmp_path / "checkpoints" / "000008")
    fitted, recorder = training(tmp_path, resume=True)
    assert "net.safetensors is missing" in said(recorder)
    assert "step 8" in said(recorder)
    assert [event.best for event in recorder.of(Evaluated)] == [True, False]
    assert fitted.best_epoch == 3
    assert checkpoint.load(tmp_path / "best").values["step"] == 16


def test_lost_ones_of_a_finished_training_are_not_replaced_by_others(tmp_path: Path) -> None:
    training(tmp_path)
    shutil.rmtree(tmp_path / "best")
    shutil.rmtree(tmp_path / "checkpoints" / "000008")
    fitted, _ = training(tmp_path, resume=True)
    assert fitted.best_epoch == 1  # it still says which they were
    assert not (tmp_path / "best").exists()
    assert best_weights.settled(tmp_path / "best", tmp_path / "checkpoints", {"step": 8}, print)


def test_a_checkpoint_of_that_step_that_is_damaged_too_does_not_count(tmp_path: Path) -> None:
    training(tmp_path, stop_after=3)
    shutil.rmtree(tmp_path / "best")
    (tmp_path / "checkpoints" / "000008" / "net.safetensors").write_bytes(b"")
    assert "lost" in said(training(tmp_path, resume=True)[1])


def weights(value: float) -> State:
    return State({"net": {"w": torch.full((50,), value)}}, {"step": int(value), "epoch": 0, "values": {}, "extra": {}})


def test_killed_between_a_new_best_and_its_checkpoint_the_one_before_is_still_there(tmp_path: Path) -> None:
    """The last checkpoint knows of the best of step 4; since then two better ones came, and no checkpoint."""
    best = tmp_path / "best"
    for step in (4, 9, 12):
        best_weights.keep(best, tmp_path / "checkpoints", weights(step))
    assert checkpoint.load(best).values["step"] == 12
    assert len(list(tmp_path.glob(".best.*"))) == 1
    (left,) = tmp_path.glob(".best.*")
    left.rename(tmp_path / ".best.999999999.old")  # of a process that is dead
    known = Best("val/score", 1, 0.5, 0, 4, {})
    best_weights.settle(best, tmp_path / "checkpoints", known, False, pytest.fail)
    assert checkpoint.load(best).values["step"] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_after_a_checkpoint_nothing_lies_beside(tmp_path: Path) -> None:
    for step in (4, 9):
        best_weights.keep(tmp_path / "best", tmp_path, weights(step))
    best_weights.kept(tmp_path / "best")
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    best_weights.keep(tmp_path / "best", None, weights(12))
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_reader_never_sees_a_mixture_while_it_is_replaced(tmp_path: Path) -> None:
    best = tmp_path / "best"
    best_weights.keep(best, tmp_path, weights(0))
    writer = os.fork()
    if not writer:
        for step in range(1, 60):
            best_weights.keep(best, tmp_path, weights(step))
            if step % 3 == 0:
                best_weights.kept(best)
        os._exit(0)
    seen = set()
    while not os.waitpid(writer, os.WNOHANG)[0]:
        state = checkpoint.load(best)
        assert (state.tensors["net"]["w"] == state.values["step"]).all()
        seen.add(state.values["step"])
        time.sleep(0.003)
    assert len(seen) > 3


def test_a_reader_moves_nothing(tmp_path: Path) -> None:
    best_weights.keep(tmp_path / "best", tmp_path, weights(1))
    (tmp_path / "best").rename(tmp_path / ".best.999999999.old")
    assert checkpoint.exists(tmp_path / "best")
    assert checkpoint.load(tmp_path / "best").values["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [".best.999999999.old"]
    (tmp_path / ".best.999999999.old" / "net.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="has 0 bytes"):
        checkpoint.load(tmp_path / "best")


def test_a_rename_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    best = checkpoint.save(tmp_path / "best", weights(1))
    rename, calls = Path.rename, []

    def failing(path: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(RunError, match="No space left"):
        checkpoint.save(best, weights(2))
    monkeypatch.undo()
    assert checkpoint.load(best).values["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_a_folder_that_took_the_number_of_the_one_before_is_another(tmp_path: Path) -> None:
    """File systems give the number of a deleted folder to the next one: a reader must not take that one for what it began to read."""
    best, looked = tmp_path / "best", []
    best.mkdir()

    def reading(place: Path) -> str:
        looked.append(place)
        if len(looked) == 1:
            place.rmdir()
            place.mkdir()
            raise manifest.DamagedError("half of each")
        return "whole"

    assert checkpoint._whole(best, reading) == "whole"
