"""``danlu plan`` and the forecast that a run makes of itself: figures that can be known, and not a bit of training changed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu.cli.main import main
from danlu.data.batches import batches
from danlu.data.batches.resident import Resident
from danlu.messages import say, set_language
from danlu.runs import forecasting, foreseen, happening
from danlu.runs.advice import advice
from danlu.runs.foreseen import Forecast, compared
from danlu.training.checkpoint import listed
from tests.runs.small import last, recipe, same

PARAMETERS = 8 * 8 * 6 + 2 * 6 + 6 * 3 + 3  # of the small recipe's net: batch norm stands in for the first bias
TENSORS = 5
FLOAT = 4


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    place = tmp_path_factory.mktemp("planned")
    found = danlu.plan(recipe(place))
    assert not (place / "runs").exists() or not list((place / "runs").iterdir())  # nothing is kept
    return found


def test_what_can_be_known(planned: Forecast) -> None:
    assert planned.parameters.trained == PARAMETERS
    assert planned.samples == 6
    assert planned.time.steps == 8
    assert planned.memory.step.gradients == FLOAT * PARAMETERS
    assert planned.memory.step.optimizer == 2 * FLOAT * PARAMETERS + TENSORS * FLOAT
    assert planned.disk.checkpoints == 8 * planned.disk.checkpoint  # all of them are kept
    assert planned.disk.best == planned.memory.step.weights
    assert planned.memory.peak >= planned.memory.process + planned.memory.step.whole
    assert planned.time.total > planned.time.training > 0
    assert planned.time.cpu > 0


def test_what_lies_on_the_device_lies_there_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is held all the time: else the first steps would take it for theirs."""
    seen: list[str] = []

    def noted(name: str, function: Any) -> Any:
        return lambda *given, **more: (seen.append(name), function(*given, **more))[1]

    monkeypatch.setattr(batches, "fits", lambda *_: True)  # the CPU in the place of a device with room
    monkeypatch.setattr(batches, "laid", noted("laid", Resident))
    monkeypatch.setattr(forecasting._Standing, "of", noted("stood", forecasting._Standing.of))
    monkeypatch.setattr(forecasting, "try_out", noted("tried", forecasting.try_out))
    danlu.plan(recipe(tmp_path))
    assert seen == ["laid", "stood", "tried"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_full_device_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: Any
) -> None:
    set_language(language)
    monkeypatch.setattr(batches, "fits", lambda *_: True)
    monkeypatch.setattr(batches, "laid", lambda *_: None)
    full = danlu.train(recipe(tmp_path))
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count(say("runs.gpu-full")) == 1
    said = [event["text"] for event in full.events() if event["type"] == "said"]
    assert said.count(say("runs.gpu-full")) == 1
    monkeypatch.undo()
    set_language(language)
    plain = danlu.train(recipe(tmp_path) | {"run": {"folder": str(tmp_path), "name": "plain"}}, screen=False)
    assert say("runs.gpu-full") not in [event["text"] for event in plain.events() if event["type"] == "said"]
    assert same(last(full), last(plain))


def test_overrides_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(json.dumps(recipe(tmp_path)), encoding="utf-8")
    assert main(["plan", str(file), "train.optimizer.name=sgd", "model.args.widths=[5]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    learnt = 64 * 5 + 2 * 5 + 5 * 3 + 3
    assert found["parameters"] == {"trained": learnt, "frozen": 0, "total": learnt}
    assert found["memory"]["step"]["optimizer"] == FLOAT * learnt
    assert found["time"]["total"] > 0
    assert found["advice"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_in_both_languages(language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(json.dumps(recipe(tmp_path)), encoding="utf-8")
    assert main(["--lang", language, "plan", str(file)]) == 0
    shown = capsys.readouterr().out
    words = {"en": ("activations kept for backward", "at most"), "zh": ("为反向传播保留的激活值", "峰值")}
    assert all(word in shown for word in words[language])
    assert f"{PARAMETERS:,}" in shown


def test_a_run_keeps_its_forecast_and_every_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights, moments and figures with and without; and both sides of the comparison are in the journal."""
    monkeypatch.setattr(happening, "_WORTH", 1)
    values: dict[str, Any] = {"ema": 0.9, "schedule": "one-cycle"}
    looked = danlu.train(recipe(tmp_path, **values) | {"run": {"folder": str(tmp_path), "name": "with"}}, screen=False)
    monkeypatch.setattr(happening, "_WORTH", 1000)
    plain = danlu.train(
        recipe(tmp_path, **values) | {"run": {"folder": str(tmp_path), "name": "without"}}, screen=False
    )
    assert len(listed(looked.folder.checkpoints)) == len(listed(plain.folder.checkpoints)) == 8
    assert same(last(looked), last(plain))
    told = {event["type"]: event for event in looked.events()}
    assert "foreseen" not in {event["type"] for event in plain.events()}
    forecast, real = told["foreseen"]["forecast"], told["happened"]
    assert forecast["parameters"]["trained"] == PARAMETERS
    assert [one.name for one in compared(forecast, real)] == ["memory", "step", "cpu", "time", "disk"]
    assert min(real["memory"], real["seconds"], real["cpu"], real["spent"]) > 0
    assert real["disk"] == pytest.approx(_size(looked.path), rel=0.5)
    page = (looked.path / "report.html").read_text(encoding="utf-8")
    assert 'id="forecast"' in page
    assert 'id="forecast"' not in (plain.path / "report.html").read_text(encoding="utf-8")


def test_no_training_ends_for_its_forecast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Forecast:
        raise RuntimeError("not with so few")

    monkeypatch.setattr(happening, "_WORTH", 1)
    monkeypatch.setattr(happening, "foresee", broken)
    run = danlu.train(recipe(tmp_path), screen=False)
    assert run.status == "finished"
    assert any("not with so few" in event.get("text", "") for event in run.events() if event["type"] == "said")


def test_what_is_missing_is_not_compared() -> None:
    """A damaged or older journal."""
    assert compared({}, {}) == []
    one = compared({"memory": {"peak": 10}}, {})
    assert [(each.name, each.foreseen, each.happened) for each in one] == [("memory", 10.0, None)]


def test_advice_is_only_what_is_certain(planned: Forecast) -> None:
    """Halving the batch helps where activations are much of a step's peak."""
    step = dataclasses.replace(planned.memory.step, activations=8_000_000_000, optimizer=0)
    memory = dataclasses.replace(planned.memory, step=step, peak=9_000_000_000, fullest="step", room=None)
    heavy = dataclasses.replace(planned, memory=memory, batch_size=64, accumulate=2)
    assert any("train.batch_size=32 train.accumulate=4" in text for text in advice(heavy))
    tight = dataclasses.replace(heavy, memory=dataclasses.replace(memory, room=1_000_000_000))
    assert "1.0 GB" in advice(tight)[0]
    light = dataclasses.replace(planned, memory=dataclasses.replace(planned.memory, fullest="step"))
    assert not any("train." in text for text in advice(light))


def test_the_total_is_the_sum_of_its_parts() -> None:
    time = foreseen.Time(1.0, 10, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.5)
    assert time.total == 28.0
    assert foreseen.Disk(1, 2, 3, 4, 5, 6).total == 20


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
