"""``danlu.health``: whole runs, runs that were stopped, partial and damaged ones, and own loops."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import danlu
from danlu.cli.main import main
from danlu.errors import DanluError, Problem, TrainingError
from danlu.metrics.answers import Answers
from danlu.runs import Run
from danlu.runs.captures import CaptureWriter
from danlu.runs.diagnosing import diagnose
from danlu.runs.folder import RunFolder
from danlu.runs.recorded import recording, standings
from danlu.runs.takes import takes
from danlu.training.events import Diagnosed, Event, Said
from danlu.watch.journal import Journal
from tests.runs.small import recipe as small


def dead(place: Path, **changes: Any) -> dict[str, Any]:
    """Its first steps are so long that the hidden units die."""
    made = small(place, epochs=20, optimizer={"name": "sgd", "lr": 3.0}, checkpoint={"every_epochs": 5, "keep": 1})
    made["model"] = {"name": "mlp", "norm": "none", "args": {"widths": [24, 24]}}
    made["data"] |= {"augment": []}
    made["evaluate"] |= {"report": False}
    return made | changes


@pytest.fixture(scope="module")
def ailing(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Nobody may change it."""
    made: Run = danlu.train(dead(tmp_path_factory.mktemp("dead")), screen=False)
    return made


def names(run: Any) -> set[str]:
    return {one.name for one in danlu.health(run)}


def test_what_was_told_at_the_end_is_what_health_finds(ailing: Run) -> None:
    found = ailing.health()
    assert {"dead-relu", "rate-too-high"} <= {one.name for one in found}
    told = ailing.ailments
    assert [one["name"] for one in told] == [one.name for one in found]
    assert [one["text"] for one in told] == [one.text for one in found]
    assert told[0]["patch"] == json.loads(json.dumps(dict(found[0].patch)))
    assert danlu.health(str(ailing.path)) == found


def test_a_healthy_run_says_nothing(trained: Any) -> None:
    assert trained.health() == ()
    assert trained.ailments == []


def test_the_command_says_it_and_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dead.json.yaml"
    path.write_text(json.dumps(dead(tmp_path)))
    assert main(["train", str(path)]) == 0
    text = capsys.readouterr().out
    assert "✗ dead-relu: " in text
    assert f"danlu fix {tmp_path / 'runs' / 'small'}" in text
    assert main(["train", str(path), "run.name=again", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["health"]
    assert "dead-relu" in [one["name"] for one in told]
    assert told[0]["evidence"]


def test_what_was_not_recorded_is_not_judged(ailing: Run, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(ailing.path, copy)
    shutil.rmtree(copy / "captures")
    assert "dead-relu" not in names(copy)
    (copy / "baselines.json").unlink()
    shutil.rmtree(copy / "predictions")
    names(copy)
    (copy / "events.jsonl").unlink()
    assert names(copy) == set()
    with pytest.raises(DanluError):
        danlu.health(tmp_path / "nothing")


@pytest.mark.parametrize(
    "file",
    ["captures/layers.parquet", "events.jsonl", "baselines.json", "data/columns.json", "predictions/val.parquet"],
)
def test_what_is_damaged_counts_as_not_recorded(ailing: Run, tmp_path: Path, file: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(ailing.path, copy)
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[: len(data) // 2] + b"\0" * 40 + b"\n")
    problems: list[Problem] = []
    found = {one.name for one in danlu.health(copy, problems)}
    assert any(Path(file).name in str(problem) for problem in problems)
    assert ("dead-relu" in found) == (file != "captures/layers.parquet")


def test_a_run_that_still_goes_on(ailing: Run, tmp_path: Path) -> None:
    """Half of its events, no end, pieces of captures."""
    copy = tmp_path / "run"
    shutil.copytree(ailing.path, copy)
    lines = (copy / "events.jsonl").read_bytes().splitlines(keepends=True)
    (copy / "events.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]) + lines[0][:20])
    assert recording(copy).ended is None
    assert "dead-relu" in names(copy)


def test_a_step_that_was_not_finite_stops_training_and_is_told(tmp_path: Path) -> None:
    made = dead(tmp_path)
    made["train"] |= {"optimizer": {"name": "sgd", "lr": 1e12}}
    with pytest.raises(TrainingError) as caught:
        danlu.train(made, screen=False)
    path = tmp_path / "runs" / "small"
    assert f"danlu fix {path}" in str(caught.value)
    assert "divergence" in names(path)
    assert [one["name"] for one in Run(path).ailments] == [one.name for one in danlu.health(path)]


def test_an_own_loop_that_was_written_down(tmp_path: Path) -> None:
    """danlu.fit with the run's watchers: no recipe, so no patch."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    with torch.no_grad():
        net[2].bias.fill_(-30.0)
    inputs, labels = torch.randn(256, 8), torch.randint(0, 3, (256,))
    watchers = [Journal(tmp_path / "events.jsonl", 1), CaptureWriter(tmp_path / "captures", 1)]
    danlu.fit(
        net, nn.CrossEntropyLoss(), (inputs, labels), watchers=watchers, epochs=20, batch_size=32, captures_every=5
    )
    for watcher in watchers:
        watcher.close()
    found = {one.name: one for one in danlu.health(tmp_path)}
    assert "dead-relu" in found
    assert found["dead-relu"].evidence[0].layers == ("3",)
    assert all(one.patch == {} for one in found.values())


def test_nothing_that_goes_wrong_with_verdicts_spoils_a_training(
    tmp_path: Path, ailing: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    assert diagnose(ailing.folder, told.append)
    assert all(isinstance(event, Diagnosed) for event in told)

    def broken(path: Any) -> Any:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("danlu.runs.diagnosing.recording", broken)
    told.clear()
    assert not diagnose(RunFolder(tmp_path), told.append)
    (event,) = told
    assert isinstance(event, Said)
    assert "oh" in event.text


# ---- how it stands beside simple models


def entry(
    net: float, baseline: float, interval: list[float] | None, part: str = "val", better: int = 1
) -> dict[str, Any]:
    found = {"net": net, "baseline": baseline, "difference": net - baseline, "interval": interval, "samples": 100}
    metric = "accuracy" if better > 0 else "mae"
    return {"differences": {f"{part}/{metric}": found | {"better": better, "confidence": 0.95, "beaten": False}}}


def test_standings_by_the_interval() -> None:
    assert standings({}).simple is None
    sure = standings({"majority": entry(0.9, 0.1, [0.7, 0.9]), "linear": entry(0.9, 0.95, [-0.08, -0.02])})
    assert (sure.simple, sure.linear) == ("better", "worse")
    assert sure.errs == pytest.approx(2.0)
    level = standings({"majority": entry(0.12, 0.1, [-0.02, 0.06])})
    assert level.simple == "level"
    nobody_knows = standings({"average-box": entry(0.3, 0.2, [-0.05, 0.25])})
    assert nobody_knows.simple is None
    errors = standings(
        {"mean": entry(5.0, 9.0, [-5.0, -3.0], better=-1), "linear": entry(5.0, 4.0, [0.5, 1.5], better=-1)}
    )
    assert (errors.simple, errors.linear) == ("better", "worse")
    assert errors.errs == pytest.approx(1.25)


def test_of_two_parts_the_better_counts() -> None:
    both = entry(0.7, 0.9, [-0.3, -0.1])
    both["differences"] |= entry(0.88, 0.9, [-0.05, 0.02], part="test")["differences"]
    assert standings({"linear": both}).linear == "level"


# ---- labels


def test_wrong_labels_are_found_among_the_surest(ailing: Run, tmp_path: Path) -> None:
    """Three models that agree; a fifth of the labels are others."""
    from danlu.runs import recorded
    from danlu.runs.judged import ClassPredictions

    draw = np.random.default_rng(0)
    truth = draw.integers(0, 5, 400)
    wrong = draw.random(400) < 0.2
    given = np.where(wrong, (truth + draw.integers(1, 5, 400)) % 5, truth)
    probability = np.full((400, 5), 0.02)
    probability[np.arange(400), truth] = 0.92
    made = ClassPredictions.of([str(i) for i in range(400)], probability, given, list("abcde"), "val")
    assert isinstance(made.answers, Answers)

    def found(path: Path, columns: Any, part: str) -> Any:
        return made if path.name.endswith("val.parquet") else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded, "_classes", found)
        doubts = recorded._doubts(ailing.folder, {"kinds": {}})
    assert doubts is not None
    assert doubts.samples == 400
    assert doubts.against / doubts.sure == pytest.approx(0.2, abs=0.06)
    assert doubts.estimated == pytest.approx(wrong.mean(), abs=0.03)
    assert set(doubts.ids) == {str(i) for i in np.flatnonzero(wrong)}


def test_what_a_net_takes_is_read_from_its_source(ailing: Run) -> None:
    assert takes(ailing.recipe) == {"activation": "relu", "norm": "none", "dropout": 0.0}
    own = danlu.Recipe(model={"name": "somewhere:Net"})
    assert takes(own) == {}


def test_no_torch_is_loaded_for_it(ailing: Run) -> None:
    code = "import sys, danlu; found = danlu.health(sys.argv[1]); print(len(found), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(ailing.path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(ailing.health())), "False"]
