"""Whatever is damaged in a run's folder is said, and nothing else is silently used in its place."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu import recipe as recipes
from danlu.errors import DanluError, Problem, RunError
from danlu.runs import evaluate, find, resume, weights
from danlu.runs.changes import as_data, changes
from danlu.runs.folder import RunFolder
from danlu.training import checkpoint
from danlu.watch.journal import curves, evaluations, read
from tests.runs.small import archive, last, recipe, same
from tests.training.test_checkpoint_damage import Bomb

PROVEN = ("data/card.json", "data/columns.json", "data/split.parquet", "environment.json")
RAW = np.random.default_rng(5).integers(0, 256, (8, 8), dtype=np.uint8)


@pytest.fixture
def run(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> danlu.Run:
    """A copy of the finished run: a checkpoint of each of its eight steps."""
    monkeypatch.chdir(tmp_path)  # outside of this checkout, whose state is told where it differs
    shutil.copytree(trained.path, tmp_path / "run")
    return danlu.Run(tmp_path / "run")


def said(run: danlu.Run, level: str = "warning") -> str:
    """What the last attempt said."""
    events = read(run.folder.events)
    attempt = max(event["attempt"] for event in events)
    return "\n".join(
        event["text"]
        for event in events
        if event["attempt"] == attempt and event["type"] == "said" and event["level"] == level
    )


def flip(path: Path, place: int = -1, mask: int = 0x01) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= mask
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["net.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json"])
def test_a_damaged_checkpoint_is_passed_over_and_the_run_ends_as_it_would_have(
    trained: Any, run: danlu.Run, file: str
) -> None:
    newest = checkpoint.listed(run.folder.checkpoints)[-1]
    flip(newest / file, len((newest / file).read_bytes()) // 2)
    resumed = resume(run.path, screen=False)
    assert "000008 is damaged" in said(resumed)
    assert file in said(resumed)
    assert same(last(resumed), last(trained))
    assert resumed.metrics == trained.metrics
    assert checkpoint.verify(newest) == ""  # written anew


def test_several_damaged_ones_a_missing_file_and_what_a_dead_writer_left(trained: Any, run: danlu.Run) -> None:
    saved = checkpoint.listed(run.folder.checkpoints)
    flip(saved[-1] / "net.safetensors")
    (saved[-2] / "optimizer.safetensors").unlink()
    for file in saved[-3].iterdir():
        file.unlink()
    saved[-4].rename(saved[-4].with_name(f".{saved[-4].name}.999999999.part"))
    shutil.rmtree(run.folder.best)
    resumed = resume(run.path, screen=False)
    for words in ("000008 is damaged", "000007 is damaged (optimizer", "000006 is damaged (MANIFEST.json is missing)"):
        assert words in said(resumed)
    assert "restored" in said(resumed)
    assert same(last(resumed), last(trained))
    assert resumed.metrics == trained.metrics
    assert not [path for path in run.path.rglob(".*") if path.name != ".lock"]


def test_where_every_checkpoint_is_damaged_nothing_is_begun_anew(run: danlu.Run) -> None:
    for path in checkpoint.listed(run.folder.checkpoints):
        flip(path / "state.json", 5)
    before = sorted(run.path.rglob("*"))
    with pytest.raises(RunError, match=r"every checkpoint is damaged \(000008: state.json"):
        resume(run.path, screen=False)
    assert sorted(run.path.rglob("*")) == before


def test_damaged_best_weights_are_said_by_whoever_uses_them_and_had_back_on_resume(
    trained: Any, run: danlu.Run
) -> None:
    wanted = trained.predict([RAW])
    assert run.predict([RAW]) == wanted
    flip(run.folder.best / "net.safetensors", -3)
    for use in (lambda: danlu.load(run.path), lambda: evaluate(run.path, "test")):
        with pytest.raises(RunError, match=r"net\.safetensors is not what was written") as caught:
            use()
        assert "danlu resume" in caught.value.problems[0].remedy
    resumed = resume(run.path, screen=False)
    assert "restored" in said(resumed)
    assert resumed.predict([RAW]) == wanted
    assert resumed.metrics == trained.metrics


def test_missing_best_weights_are_not_replaced_by_the_last(run: danlu.Run) -> None:
    shutil.rmtree(run.folder.best)
    with pytest.raises(RunError, match="best weights are damaged"):
        danlu.load(run.path)
    step = last(run).values["best"]["step"]
    shutil.rmtree(run.folder.checkpoints / f"{step:06d}")
    if step == 8:
        flip(run.folder.checkpoints / "000007" / "state.json")
    with pytest.raises(RunError, match="best weights are damaged") as caught:
        resume(run.path, screen=False)
    assert "evaluate.weights: last" in caught.value.problems[0].remedy
    text = run.folder.recipe.read_text()
    run.folder.recipe.write_text(text.replace("weights: best", "weights: last"))
    assert danlu.load(run.path).predict([RAW])
    assert resume(run.path, screen=False).status == "finished"


def test_best_weights_of_another_step_are_noticed(run: danlu.Run) -> None:
    state = checkpoint.load(run.folder.checkpoints / "000002")
    values = {"epoch": 0, "step": 2, "values": {}, "extra": state.values["extra"]}
    checkpoint.save(run.folder.best, checkpoint.State({"net": state.tensors["net"]}, values))
    with pytest.raises(RunError, match="holds the weights of step 2"):
        danlu.load(run.path)


def test_a_damaged_last_checkpoint_is_said_where_the_last_weights_are_asked_for(run: danlu.Run) -> None:
    asked = recipes.patch(run.recipe, {"evaluate.weights": "last"})
    assert weights.chosen(run.folder, asked)
    flip(run.folder.checkpoints / "000008" / "net.safetensors")
    with pytest.raises(RunError, match="000008: the checkpoint is damaged") as caught:
        weights.chosen(run.folder, asked)
    assert "danlu resume" in caught.value.problems[0].remedy


@pytest.mark.parametrize("name", PROVEN)
def test_every_byte_of_what_a_run_begins_with_is_proven(run: danlu.Run, name: str) -> None:
    path = run.path / name
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert path.name in run.folder.damage(path), place
    path.write_bytes(whole + b" ")
    assert "bytes instead of" in run.folder.damage(path)
    path.unlink()
    assert "is missing" in run.folder.damage(path)
    path.write_bytes(whole)
    assert run.folder.damage(path) == ""


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("data/card.json", "flipped"),
        ("data/columns.json", "gone"),
        ("MANIFEST.json", "flipped"),
        ("MANIFEST.json", "gone"),
    ],
)
def test_what_a_prediction_needs_is_said_to_be_damaged_and_written_again_on_resume(
    trained: Any, run: danlu.Run, name: str, how: str
) -> None:
    wanted, path = trained.predict([RAW]), run.path / name
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        flip(path, len(whole) // 2)
    if (name, how) != ("MANIFEST.json", "gone"):  # that is how runs of the first version are
        for use in (danlu.load, evaluate)[: 1 if name == "data/card.json" else 2]:
            with pytest.raises(RunError) as caught:
                use(run.path)
            (problem,) = caught.value.problems
            assert path.name in str(problem)
            assert "danlu resume" in problem.remedy
        resumed = resume(run.path, screen=False)
        assert path.name in said(resumed)
        assert path.read_bytes() == whole
    assert danlu.load(run.path).predict([RAW]) == wanted


@pytest.mark.parametrize(("name", "how"), [("data/split.parquet", "gone"), ("environment.json", "flipped")])
def test_what_only_people_read_is_written_again_too(trained: Any, run: danlu.Run, name: str, how: str) -> None:
    path = run.path / name
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        flip(path, len(whole) // 2)
    assert danlu.load(run.path).predict([RAW]) == trained.predict([RAW])
    assert path.name in said(resume(run.path, screen=False))
    assert path.read_bytes() == whole
    assert said(resume(run.path, screen=False)) == ""


def test_a_card_without_checkpoints_is_written_again_and_with_old_ones_an_error(run: danlu.Run) -> None:
    flip(run.folder.card, 40)
    kept = run.path.parent / "kept"
    shutil.move(run.folder.checkpoints, kept)
    shutil.rmtree(run.folder.best)
    assert "card.json" in said(resume(run.path, screen=False))
    shutil.rmtree(run.folder.checkpoints)
    shutil.move(kept, run.folder.checkpoints)
    for path in checkpoint.listed(run.folder.checkpoints):  # as the first version wrote them
        state = checkpoint.load(path)
        checkpoint.save(path, checkpoint.State(state.tensors, {**state.values, "extra": {}}))
    flip(run.folder.card, 40)
    with pytest.raises(RunError, match=r"card\.json"):
        resume(run.path, screen=False)


def test_other_data_are_refused_whatever_the_card_says(run: danlu.Run, tmp_path: Path) -> None:
    archive(tmp_path / "other.npz", seed=1)
    text = run.folder.recipe.read_text()
    run.folder.recipe.write_text(text.replace(run.recipe.data.source, str(tmp_path / "other.npz")))
    run.folder.card.unlink()
    with pytest.raises(RunError, match="data have changed"):
        resume(run.path, screen=False)


@pytest.mark.slow
def test_a_flipped_byte_of_the_recipe_is_an_error_of_its_line_or_said(run: danlu.Run) -> None:
    """Of each byte: it can't be read (file and line are told), or the key that says something else now is, or nothing changed."""
    before = as_data(recipes.resolved(run.folder.recipe))
    whole = run.folder.recipe.read_bytes()
    outcomes = {"error": 0, "said": 0, "same": 0, "free": 0}
    for place in range(0, len(whole), 3):
        mask = 0x80 if place % 4 == 0 else 0x01
        run.folder.recipe.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
        assert "recipe.yaml" in run.folder.damage(run.folder.recipe)
        try:
            found = recipes.resolved(run.folder.recipe)
        except DanluError as error:
            outcomes["error"] += all("recipe.yaml" in str(problem) for problem in error.problems)
            continue
        now = as_data(found)
        if now == before:
            outcomes["same"] += 1
        elif changes(before, found):
            outcomes["said"] += 1
        else:
            outcomes["free"] += 1
            different = {key for key in before if before[key] != now[key]}
            assert different <= {"run", "data", "evaluate", "watch", "deploy", "train", "model"}
    assert outcomes["error"] > 50
    assert outcomes["said"] > 5
    assert sum(outcomes.values()) == len(range(0, len(whole), 3)), "an error without its place"


def test_a_recipe_that_says_something_else_is_said_key_by_key(trained: Any, run: danlu.Run) -> None:
    text = run.folder.recipe.read_text()
    assert "lr: 0.01" in text
    run.folder.recipe.write_text(text.replace("lr: 0.01", "lr: 0.09").replace("keep: 100", "keep: 99"))
    resumed = resume(run.path, screen=False)
    assert "train.optimizer.lr: 0.01 → 0.09" in said(resumed)
    assert "keep" not in said(resumed)
    run.folder.recipe.write_text(text.replace("widths: [6]", "widths: [7]"))
    for use in (danlu.load, evaluate):
        with pytest.raises(RunError, match=r"model\.args\.widths: \[6\] → \[7\]"):
            use(run.path)


def test_a_recipe_changed_before_the_first_checkpoint_is_said(run: danlu.Run) -> None:
    shutil.rmtree(run.folder.checkpoints)
    shutil.rmtree(run.folder.best)
    flip(run.folder.recipe, run.folder.recipe.read_bytes().index(b"lr: 0.01") + 7, 0x08)
    assert "recipe.yaml is not as it was written" in said(resume(run.path, screen=False))


def test_old_weights_that_do_not_fit_are_told_in_one_problem(run: danlu.Run) -> None:
    state = checkpoint.load(run.folder.best)
    checkpoint.save(run.folder.best, checkpoint.State(state.tensors, {**state.values, "extra": {}}))
    text = run.folder.recipe.read_text()
    run.folder.recipe.write_text(text.replace("widths: [6]", "widths: [7]"))
    with pytest.raises(RunError, match="don't fit the net") as caught:
        danlu.load(run.path)
    assert "\n" not in str(caught.value)


def test_a_damaged_line_of_the_events_is_named_before_anything_is_done(run: danlu.Run) -> None:
    lines = run.folder.events.read_bytes().splitlines(keepends=True)
    run.folder.events.write_bytes(b"".join([*lines[:4], lines[4].replace(b'"epoch"', b'"epocg"'), *lines[5:]]))
    for use in (lambda: resume(run.path, screen=False), lambda: run.metrics):
        with pytest.raises(RunError, match=r"events\.jsonl:5: this line is damaged"):
            use()
    (row,) = find(run.path.parent)
    assert row["status"] == "damaged"
    assert "events.jsonl:5" in row["problem"]
    assert run.predict([RAW])  # needs none of it


def test_every_flipped_byte_of_a_line_leaves_an_event_or_a_damaged_line(run: danlu.Run) -> None:
    """Never an exception of another kind, whatever a field's name or value becomes."""
    lines = run.folder.events.read_bytes().splitlines(keepends=True)
    chosen = {json.loads(line)["type"]: number for number, line in enumerate(lines)}
    path = run.path / "one.jsonl"
    damaged = 0
    for number in chosen.values():
        for place in range(0, len(lines[number]) - 1, 5):
            line = bytearray(lines[number])
            line[place] ^= 0x01 if place % 2 else 0x04
            path.write_bytes(bytes(line))
            for use in (read, curves, evaluations):
                problems: list[Problem] = []
                use(path, problems)
                damaged += len(problems)
                assert all("one.jsonl:" in problem.where for problem in problems)
    assert damaged > 300


@pytest.mark.parametrize("values", [{"a": ["x", 1.0]}, {"a": [1.0]}, {"a": [[1.0], 2.0]}, {"a": [None, {}]}])
def test_values_that_are_none_make_a_damaged_line(tmp_path: Path, values: dict[str, Any]) -> None:
    event = {"attempt": 1, "type": "steps-done", "step": 2, "epoch": 0, "steps": [0, 1], "values": values}
    line = {**event, "samples": 2, "seconds": 1.0, "waited": 0.0}
    sound = {**line, "values": {"a": [1.0, "NaN"]}}
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in (sound, line)))
    with pytest.raises(RunError, match=r"events\.jsonl:2: this line is damaged"):
        curves(path)
    problems: list[Problem] = []
    assert curves(path, problems)["a"][0].tolist() == [1, 2]
    assert len(problems) == 1


def test_lost_events_are_said_and_cost_nothing_but_themselves(trained: Any, run: danlu.Run) -> None:
    run.folder.events.unlink()
    shutil.rmtree(run.folder.checkpoints / "000008")
    resumed = resume(run.path, screen=False)
    assert "events.jsonl is missing" in said(resumed)
    assert same(last(resumed), last(trained))
    assert resumed.metrics["test/accuracy"] == trained.metrics["test/accuracy"]


def test_a_run_without_its_recipe_is_none(run: danlu.Run) -> None:
    run.folder.recipe.unlink()
    for use in (evaluate, danlu.Run, lambda path: resume(path, screen=False)):
        with pytest.raises(RunError, match=r"recipe\.yaml is missing"):
            use(run.path)
    with pytest.raises(RunError, match="neither a run nor"):
        danlu.load(run.path)


def test_a_planted_pickle_is_refused_wherever_it_lies(run: danlu.Run, tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    bomb = pickle.dumps(Bomb(crater))
    load, again = danlu.load, lambda place: resume(place, screen=False)
    for path, use in (
        (run.folder.best / "net.safetensors", load),
        (run.folder.card, load),
        (run.folder.columns, load),
        (run.path / "MANIFEST.json", load),
        (run.folder.membership, again),
        (run.folder.environment, again),
        (run.folder.events, again),
        (run.folder.recipe, again),
    ):
        kept = path.read_bytes()
        path.write_bytes(bomb)
        with suppress(DanluError):
            use(run.path)
        assert not crater.exists(), path
        path.write_bytes(kept)
    for name in ("net.pt", "optimizer.pkl", ".metadata"):
        (run.folder.checkpoints / "000008" / name).write_bytes(bomb)
        (run.folder.best / name).write_bytes(bomb)
    with pytest.raises(RunError, match="not in the manifest"):
        danlu.load(run.path)
    assert "000008 is damaged" in said(resume(run.path, screen=False))
    assert not crater.exists()


def test_a_folder_that_was_only_begun_is_no_run_and_is_cleared_away(tmp_path: Path) -> None:
    """Killed while the first files were written: nothing has the run's name, which is free."""
    asked = recipes.complete(recipes.from_dict(recipe(tmp_path)))

    def dies(folder: RunFolder) -> None:
        folder.recipe.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RunFolder.create(asked, dies)
    assert list((tmp_path / "runs").iterdir()) == []
    left = tmp_path / "runs" / ".small-0badcafe.999999999.part"
    left.mkdir()
    (left / "recipe.yaml").write_text("half")
    assert find(tmp_path / "runs") == []
    folder = RunFolder.create(asked, lambda folder: folder.recipe.write_text("whole") and None)
    folder.release()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["small"]
    assert folder.recipe.read_text() == "whole"
    for taken in ("whole", "empty"):
        with pytest.raises(RunError, match="already there"):
            RunFolder.create(asked)
        assert [path.name for path in (tmp_path / "runs").iterdir()] == ["small"], taken
        shutil.rmtree(folder.path)
        folder.path.mkdir()


def test_links_and_pipes_in_place_of_lock_and_events_touch_nothing_outside(run: danlu.Run, tmp_path: Path) -> None:
    """As somebody may hand them over: what a link leads to stays as it is, and nobody waits for a pipe."""
    mine = tmp_path / "mine"
    mine.write_text("precious")
    for name in (".lock", "events.jsonl"):
        path = run.path / name
        kept = path.read_bytes()
        path.unlink()
        path.symlink_to(mine)
        with pytest.raises(RunError):
            resume(run.path, screen=False)
        assert mine.read_text() == "precious"
        path.unlink()
        path.write_bytes(kept)
    run.folder.events.unlink()
    os.mkfifo(run.folder.events)
    with pytest.raises(RunError, match=r"events\.jsonl"):
        resume(run.path, screen=False)
    assert run.metrics == {}
