"""What looks inside the net leave in a run's folder, however the run came to its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import danlu
from danlu.errors import RunError
from danlu.runs import captures, choices, resume
from danlu.runs.captures import CaptureWriter, read
from danlu.training.events import Captured, FitDone, FitStarted, LayerFigures, ParameterFigures, Saving, StepsDone
from danlu.training.meter import Meter
from danlu.training.plan import Plan
from tests.runs.small import last, recipe, same

TABLES = ("layers", "parameters")


def asked(place: Path, every: Any, name: str, **train: Any) -> dict[str, Any]:
    made = recipe(place, ema=0.9, accumulate=2, batch_size=5, epochs=4, **train)
    made["data"]["augment"] = [{"mixup": 0.4}]
    made["model"]["args"] = {"widths": [6], "dropout": 0.2}
    made["run"]["name"] = name
    made["watch"] = {"captures_every": every}
    made["evaluate"]["baselines"] = False
    return made


def equal(one: Path, other: Path) -> bool:
    """Whether two folders of captures hold the same, whatever pieces it lies in."""
    for name in TABLES:
        mine, its = read(one, name), read(other, name)
        if list(mine) != list(its) or not all(map(_same, mine.values(), its.values())):
            return False
    return True


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.fixture(autouse=True, scope="module")
def every_step_is_told() -> Iterator[None]:
    """At once, not once in a second: what was told when a run ends must not depend on the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Meter, "due", lambda self: True)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Nobody may change it."""
    return danlu.train(asked(tmp_path_factory.mktemp("whole"), 2, "whole"), screen=False)


def test_what_lies_there_in_the_end(whole: Any) -> None:
    assert {path.name for path in whole.folder.captures.iterdir()} == {"layers.parquet", "parameters.parquet"}
    layers, parameters = read(whole.folder.captures, "layers"), read(whole.folder.captures, "parameters")
    steps = len([step for event in whole.events() if event["type"] == "steps-done" for step in event["steps"]])
    looks = [1, *range(2, steps + 1, 2)]
    assert list(dict.fromkeys(layers["step"].tolist())) == looks
    assert list(dict.fromkeys(parameters["step"].tolist())) == looks
    assert set(layers["step"][layers["epoch"] == 0]) == {step for step in looks if step <= steps // 4}
    assert len(set(parameters["parameter"])) * len(looks) == len(parameters["step"])
    assert set(layers["kind"]) >= {"Linear", "ReLU", "Dropout"}
    assert (layers["units"][layers["kind"] == "ReLU"] == 6).all()
    assert layers["last"].sum() == len(looks)
    schema = pq.read_schema(whole.folder.captures / "layers.parquet")
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == {
        "step": "int64", "epoch": "int32", "layer": "string", "kind": "string", "call": "int64", "output": "string",
        "size": "int64", "mean": "double", "std": "double", "last": "bool", "silent": "binary", "units": "int64",
        "saturated": "double", "gradient": "double",
    }  # fmt: skip


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_that_captures_is_the_run_that_does_not(tmp_path: Path, precision: str) -> None:
    """Weights, averages, memory of the optimiser, curves, metrics: mixup, dropout, batch norm, accumulation."""
    runs = [
        danlu.train(asked(tmp_path, every, f"every-{every}", precision=precision), screen=False) for every in (0, 1)
    ]
    assert not (runs[0].path / "captures").exists()
    assert len(read(runs[1].folder.captures, "layers")) == 14
    assert same(*map(last, runs))
    assert runs[0].metrics == runs[1].metrics
    told = [
        [_timeless(event) for event in run.events() if event["type"] not in ("diagnosed", "happened")] for run in runs
    ]
    assert told[0] == told[1]


def _timeless(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in event.items() if "seconds" not in key and key not in ("time", "path", "waited")
    }


class Killer:
    """A screen that ends the process, or the training, at a step."""

    wants_snapshots = False

    def __init__(self, step: int, how: str) -> None:
        self.step, self.how = step, how

    def on(self, event: Any) -> None:
        if isinstance(event, StepsDone) and event.step >= self.step:
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError("out of order")

    def progress(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


def cut_off(place: Path, step: int, how: str, every_steps: int, captures_every: int = 2) -> Path:
    """A run that ended at a step, with checkpoints at every so many."""
    made = asked(place, captures_every, "cut")
    made["train"]["checkpoint"] |= {"every_steps": every_steps, "every_epochs": None}
    if how == "failed":
        with pytest.raises(OSError, match="out of order"):
            danlu.train(made, screen=Killer(step, how))
    else:
        child = os.fork()
        if not child:
            try:
                danlu.train(made, screen=Killer(step, how))
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return place / "runs" / "cut"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("step", "how"), [(3, "killed"), (6, "killed"), (7, "failed"), (9, "killed")])
def test_a_resumed_run_holds_what_an_uninterrupted_one_does(whole: Any, tmp_path: Path, step: int, how: str) -> None:
    path = cut_off(tmp_path, step, how, every_steps=4)
    resumed = resume(path, screen=False)
    assert resumed.status == "finished"
    assert equal(resumed.folder.captures, whole.folder.captures)
    assert {path.name for path in resumed.folder.captures.iterdir()} == {"layers.parquet", "parameters.parquet"}


def test_what_a_failed_attempt_saw_last_can_be_looked_into(whole: Any, tmp_path: Path) -> None:
    """Steps after the last checkpoint too: they say why it failed."""
    path = cut_off(tmp_path, 7, "failed", every_steps=4)
    before, wanted = read(path / "captures", "layers"), read(whole.folder.captures, "layers")
    seen = wanted["step"] <= 6
    assert before["step"].max() == 6
    assert all(_same(before[name], wanted[name][seen]) for name in wanted)


def test_steps_that_are_done_again_with_other_looks_count_once(tmp_path: Path) -> None:
    path = cut_off(tmp_path, 9, "failed", every_steps=4)
    assert set(read(path / "captures", "parameters")["step"]) == {1, 2, 4, 6, 8}
    text = yaml.safe_load((path / "recipe.yaml").read_text(encoding="utf-8"))
    text["watch"]["captures_every"] = 3
    (path / "recipe.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    steps = set(read(resume(path, screen=False).folder.captures, "parameters")["step"].tolist())
    assert {step for step in steps if step <= 9} == {1, 2, 4, 6, 8, 9}
    assert all(step % 3 == 0 for step in steps if step > 8)


def test_it_is_chosen_by_the_runs_length_and_written_down(tmp_path: Path) -> None:
    complete = danlu.recipe.complete(danlu.recipe.from_dict(asked(tmp_path, "auto", "auto")))
    for micros, epochs, cap, every in (
        (100, 1, None, 20),
        (100, 50, None, 25),
        (100, 50, 300, 20),
        (9000, 20, None, 900),
    ):
        made = choices.Choices()
        chosen = choices.captures_every(complete, Plan(epochs=epochs, max_steps=cap, accumulate=2), micros, made)
        assert chosen == every == made.made["watch.captures_every"][0]
    wanted = asked(tmp_path, "auto", "auto")
    wanted["train"] = {**wanted.get("train", {}), "epochs": 1000, "max_steps": 45}
    run = danlu.train(wanted, screen=False)
    assert run.recipe.watch.captures_every == 20
    assert set(read(run.folder.captures, "layers")["step"]) == {1, 20, 40}


# ---- the writer -----------------------------------------------------------------------------------------------------


def look(step: int, layers: int = 3) -> Captured:
    draw = np.random.default_rng(step)
    rows = [
        LayerFigures(
            f"net.{i}", "ReLU", 0, "", 64, float(draw.normal()), float("nan"), i == 2, bytes([i, step % 7]), 16,
            None if i else 0.5, None if i == 1 else float(draw.random()),
        )
        for i in range(layers)
    ]  # fmt: skip
    figures = ParameterFigures("net.0.weight", 4, 2, True, float(draw.random()), None, float(draw.random()))
    return Captured(step, step // 10, tuple(rows), (figures,))


def write(folder: Path, steps: range, attempt: int = 1) -> CaptureWriter:
    writer = CaptureWriter(folder, attempt)
    for step in steps:
        writer.on(look(step))
    writer.on(Saving(steps[-1], 0))
    return writer


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path, range(1, 30, 10))
    found = read(tmp_path, "layers")
    rows = [(event, row) for event in map(look, range(1, 30, 10)) for row in event.layers]
    for index, (event, row) in enumerate(rows):
        assert (found["step"][index], found["epoch"][index]) == (event.step, event.epoch)
        for name, value in vars(row).items():
            got = found[name][index]
            assert got == value or (got != got and value in (None, value)), name
    assert np.isnan(found["std"]).all()
    assert np.isnan(found["saturated"][1])
    assert read(tmp_path / "nowhere", "layers") == {}


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without checkpoints must not keep its captures in memory."""
    monkeypatch.setattr(captures, "_MOST", 50)
    writer = CaptureWriter(tmp_path, 1)
    most = 0
    for step in range(200):
        writer.on(look(step))
        most = max(most, sum(len(each.layers) + len(each.parameters) for each in writer._waiting))
    assert most <= 54
    writer.on(FitDone(199, 0, "finished", 1.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layers.parquet", "parameters.parquet"]
    assert read(tmp_path, "layers")["step"].tolist() == [step for step in range(200) for _ in range(3)]


def test_pieces_of_an_interrupted_run_stay_pieces_and_read_as_one(tmp_path: Path) -> None:
    write(tmp_path, range(1, 5))
    write(tmp_path, range(5, 9), attempt=2).on(FitDone(8, 0, "interrupted", 1.0))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        f"{name}-a{attempt:03d}-{step:06d}.parquet" for name in TABLES for attempt, step in ((1, 4), (2, 8))
    }
    assert read(tmp_path, "parameters")["step"].tolist() == list(range(1, 9))


def test_a_join_that_was_cut_off_counts_no_step_twice(tmp_path: Path) -> None:
    """The joined file is there, its pieces are not deleted yet."""
    write(tmp_path, range(1, 9))
    pieces = {path: path.read_bytes() for path in tmp_path.iterdir()}
    before = {name: read(tmp_path, name) for name in TABLES}
    CaptureWriter(tmp_path, 1).on(FitDone(8, 0, "finished", 1.0))
    for path, content in pieces.items():
        path.write_bytes(content)
    for name in TABLES:
        after = read(tmp_path, name)
        assert all(_same(after[column], before[name][column]) for column in after)


def test_of_a_step_that_lies_there_twice_the_later_attempt_counts(tmp_path: Path) -> None:
    write(tmp_path, range(1, 9))
    other = CaptureWriter(tmp_path, 2)
    for step in range(5, 7):
        other.on(Captured(step, 0, (), look(step + 100).parameters))
    other.close()
    found = read(tmp_path, "parameters")
    assert found["step"].tolist() == list(range(1, 9))
    assert found["weight"].tolist() == [
        look(step + 100 * (step in (5, 6))).parameters[0].weight for step in range(1, 9)
    ]


def test_an_attempt_takes_back_what_it_does_again(tmp_path: Path) -> None:
    write(tmp_path, range(1, 9))
    writer = CaptureWriter(tmp_path, 2)
    writer.on(FitStarted(4, 0, 20, 1, 20, 8))
    assert read(tmp_path, "layers")["step"].tolist() == [step for step in range(1, 5) for _ in range(3)]
    again = CaptureWriter(tmp_path, 3)
    again.on(FitStarted(0, 0, 20, 1, 20, 8))
    assert not len(read(tmp_path, "layers")["step"])
    assert list(read(tmp_path, "layers")) == ["step", "epoch", *vars(look(1).layers[0])]


@pytest.mark.parametrize("name", TABLES)
def test_whatever_byte_is_damaged_is_noticed(tmp_path: Path, name: str) -> None:
    write(tmp_path, range(1, 40)).on(FitDone(40, 0, "finished", 1.0))
    path = tmp_path / f"{name}.parquet"
    sound, content = read(tmp_path, name), path.read_bytes()
    draw = np.random.default_rng(1)
    for position in draw.choice(len(content), 150, replace=False).tolist():
        torn = bytearray(content)
        torn[position] ^= 1 << int(draw.integers(8))
        path.write_bytes(torn)
        damage = _read(tmp_path, name, sound)
        assert damage is None or (damage.problems[0].where == str(path) and damage.problems[0].remedy)
    for length in (0, 4, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(RunError):
            read(tmp_path, name)


def _read(folder: Path, name: str, sound: dict[str, np.ndarray]) -> RunError | None:
    """What is said of a file that can't be read; one that can be must hold what it held."""
    try:
        found = read(folder, name)
    except RunError as error:
        return error
    assert all(_same(found[column], sound[column]) for column in sound)
    return None


def test_a_damaged_piece_neither_stops_a_run_nor_is_taken_for_another(whole: Any, tmp_path: Path) -> None:
    path = cut_off(tmp_path, 9, "failed", every_steps=4)
    piece = min(path.glob("captures/layers-a001-*"))
    piece.write_bytes(piece.read_bytes()[:-9])
    resumed = resume(path, screen=False)
    assert resumed.status == "finished"
    assert same(last(resumed), last(whole))
    with pytest.raises(RunError, match="captured") as caught:
        read(resumed.folder.captures, "layers")
    assert caught.value.problems[0].where == str(piece)
    assert len(read(resumed.folder.captures, "parameters")["step"])
    piece.unlink()
    found = read(resumed.folder.captures, "layers")["step"]
    wanted = read(whole.folder.captures, "layers")["step"]
    assert set(wanted[wanted > 8]) <= set(found)


def test_an_own_loop_writes_the_same_files(tmp_path: Path) -> None:
    """danlu.fit looks where the plan says so and somebody wants to be told."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    data = torch.randn(40, 4), torch.arange(40) % 2
    writer = CaptureWriter(tmp_path / "captures", 1)
    danlu.fit(net, "cross-entropy", data, batch_size=8, epochs=2, watchers=[writer], captures_every=4)
    assert set(read(tmp_path / "captures", "layers")["step"]) == {1, 4, 8}
    assert read(tmp_path / "captures", "parameters")["parameter"][:4].tolist() == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]
