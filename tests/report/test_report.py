"""``report.html`` of runs of every kind and in every state."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.cli.main import main
from danlu.errors import RunError, TrainingError
from danlu.messages import LANGUAGES, Language, language
from danlu.messages.texts.report import TEXTS
from danlu.report import after, write_report, writing
from danlu.training.events import Said
from tests.report.made import classified, regressed, tell
from tests.report.page import read
from tests.runs.small import recipe

OLD = Path(__file__).parents[1] / "fixtures" / "runs"
Captured = pytest.CaptureFixture[str]
JUDGED = ["confusion", "classes", "worst", "explanations", "suspicious", "calibration", "baselines"]
ALL = ["curves", "health", *JUDGED, "layers", "data", "recipe", "environment"]


def answers(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    label = draw.integers(0, classes, rows)
    logits = draw.normal(size=(rows, classes))
    logits[np.arange(rows), label] += 1.5
    probability = np.exp(logits)
    return (probability / probability.sum(1, keepdims=True)).astype(np.float32), label


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    place = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield danlu.train(recipe(place), screen=False)


@pytest.fixture
def copied(trained: Any, tmp_path: Path) -> Path:
    """One that may be changed."""
    shutil.copytree(trained.path, tmp_path / "copied")
    return tmp_path / "copied"


def test_a_training_ends_with_its_report(trained: Any) -> None:
    page = read(trained.path / "report.html")
    assert page.sections == ALL
    assert sum(name == "img" for name, _ in page.tags) >= 5, "the samples are seen"


def test_the_recipe_can_leave_it_out(tmp_path: Path) -> None:
    wanted = recipe(tmp_path, epochs=1)
    wanted["evaluate"]["report"] = False
    assert not (danlu.train(wanted, screen=False).path / "report.html").exists()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_is_the_same_bytes_each_time(trained: Any, lang: Language, tmp_path: Path) -> None:
    first, again = (write_report(str(trained.path), tmp_path / f"{name}.html", lang) for name in "ab")
    assert first.read_bytes() == again.read_bytes()
    assert language() == "en", "the language of the report is nobody else's"
    page = read(first)
    assert page.sections == ALL
    chinese = [word for word in page.texts if any("一" <= letter <= "鿿" for letter in word) and "丹炉" not in word]
    assert bool(chinese) == (lang == "zh")


def test_a_run_that_just_ended_needs_no_second_look_at_its_data(trained: Any, tmp_path: Path) -> None:
    assert trained.data is not None
    held = write_report(trained, tmp_path / "held.html")
    fresh = write_report(trained.path, tmp_path / "fresh.html")
    assert held.read_bytes() == fresh.read_bytes()


def test_old_runs_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in sorted(OLD.iterdir()):
        folder = tmp_path / version.name
        shutil.copytree(version, folder)
        monkeypatch.chdir(folder)
        before = set(sys.modules)
        for run in sorted((folder / "runs").iterdir()):
            page = read(write_report(run))
            assert {"data", "recipe", "environment"} <= set(page.sections), run.name
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "house_price":
                del sys.modules[name]


def test_one_that_runs_still(copied: Path) -> None:
    shutil.rmtree(copied / "predictions")
    (copied / "baselines.json").unlink()
    lines = (copied / "events.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["type"] in ("fit-started", "steps-done", "epoch-done")]
    (copied / "events.jsonl").write_bytes(b"".join(kept) + b'{"type": "eval')
    assert read(write_report(copied)).sections == ["curves", "health", "layers", "data", "recipe", "environment"]
    (copied / "events.jsonl").unlink()
    shutil.rmtree(copied / "captures")
    assert read(write_report(copied)).sections == ["data", "recipe", "environment"]


def test_where_the_data_lie_no_longer_the_figures_stay(copied: Path, trained: Any) -> None:
    whole = read(trained.path / "report.html")
    text = (copied / "recipe.yaml").read_text(encoding="utf-8")
    (copied / "recipe.yaml").write_text(text.replace("data.npz", "elsewhere.npz"), encoding="utf-8")
    (copied / "MANIFEST.json").unlink()
    page = read(write_report(copied))
    there = [name for name in ALL if name != "explanations"]  # of pictures that are gone
    assert page.sections == [*there[:-2], "remarks", *there[-2:]]
    assert page.names == whole.names
    assert page.cells == whole.cells
    assert not any(name == "img" for name, _ in page.tags)
    assert "elsewhere.npz" in page.text, "why there are no pictures"


@pytest.mark.parametrize("name", ["data/card.json", "data/columns.json", "environment.json", "baselines.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", None])
def test_what_is_damaged_is_said_and_the_rest_is_there(copied: Path, name: str, content: str | None) -> None:
    (copied / "MANIFEST.json").unlink()
    if content is None:
        (copied / name).unlink()
    else:
        (copied / name).write_text(content, encoding="utf-8")
    page = read(write_report(copied))
    assert {"curves", "recipe"} <= set(page.sections)
    assert ("remarks" in page.sections) or (content is None and name == "baselines.json")
    if "remarks" in page.sections:
        assert Path(name).name in page.text


def test_a_damaged_event_is_said_and_the_others_count(copied: Path, trained: Any) -> None:
    path = copied / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{not json}\n", *lines[3:]]))
    page = read(write_report(copied))
    assert "events.jsonl:4" in page.text
    assert page.names == read(trained.path / "report.html").names


def test_torn_predictions_are_said(copied: Path) -> None:
    path = copied / "predictions" / "test.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    page = read(write_report(copied))
    assert "test.parquet" in page.text
    assert {"curves", "data", "remarks"} <= set(page.sections)


def test_a_report_that_fails_leaves_the_run_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> str:
        raise ZeroDivisionError("by a test")

    monkeypatch.setattr(writing, "written", broken)
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError: by a test") as caught:
        run = danlu.train(recipe(tmp_path, epochs=1), screen=False)
    assert run.status == "finished"
    assert "test/accuracy" in run.metrics
    assert Path(caught[0].filename) == Path(__file__)
    assert f"danlu report {run.path}" in str(caught[0].message)


def test_an_interrupted_run_is_not_kept_waiting(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(danlu.Run, "status", "interrupted")
    assert after.report_after(danlu.Run(copied), pytest.fail) is None


def test_command(copied: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["report", str(copied)]) == 0
    assert str(copied / "report.html") in capsys.readouterr().out
    assert main(["report", str(copied), "-o", str(tmp_path), "--lang", "zh", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"report": str(tmp_path / "copied.html"), "bytes": (tmp_path / "copied.html").stat().st_size}
    assert 'lang="zh-Hans"' in (tmp_path / "copied.html").read_text(encoding="utf-8")


def test_command_writes_over_reports_alone(copied: Path, tmp_path: Path, capsys: Captured) -> None:
    mine = tmp_path / "thesis.html"
    mine.write_text("<!DOCTYPE html>\n<p>years of work", encoding="utf-8")
    assert main(["report", str(copied), "-o", str(mine)]) == 2
    assert "--force" in capsys.readouterr().err
    assert "years of work" in mine.read_text(encoding="utf-8")
    assert main(["report", str(copied), "-o", str(mine), "--force"]) == 0
    assert main(["report", str(copied), "-o", str(mine)]) == 0, "now it is one"


def test_mistakes_are_told(copied: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "danlu" in capsys.readouterr().err
    assert main(["report", str(copied), "-o", str(tmp_path / "no" / "such" / "folder.html")]) == 2
    assert "folder.html" in capsys.readouterr().err
    with pytest.raises(RunError):
        write_report(tmp_path)


def test_there_is_no_browser_to_open(copied: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    opened: list[str] = []
    monkeypatch.setattr("danlu.studio.serve.open_browser", lambda url: bool(opened.append(url)))
    assert main(["report", str(copied), "--open"]) == 0
    assert opened == [(copied / "report.html").as_uri()]
    assert "no browser" in capsys.readouterr().err


def test_numbers(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    true = draw.normal(size=700)
    page = read(write_report(regressed(tmp_path / "run", true + draw.normal(size=700) / 3, true)))
    assert page.sections == ["curves", "health", "residuals", "worst", "data", "remarks", "recipe", "environment"]


def test_remarks_are_told_once(tmp_path: Path) -> None:
    run = classified(tmp_path / "run", *answers(30, 3), ["a", "b", "c"], said=["Mind the step.", "Mind the step."])
    tell(run, Said(3, 0, "Of no weight.", "info"))
    page = read(write_report(run))
    assert page.text.count("Mind the step.") == 1
    assert page.text.count("Of no weight.") == 1


def test_each_language_is_complete(trained: Any, tmp_path: Path) -> None:
    """Nothing of the page's own is English in Chinese: what is Latin there are names, of columns, classes, keys and units."""
    pages = {lang: read(write_report(trained.path, tmp_path / f"{lang}.html", lang)) for lang in LANGUAGES}
    assert pages["en"].names == pages["zh"].names
    assert pages["en"].ids == pages["zh"].ids
    said = [english for english, _ in TEXTS.values() if len(english.split()) > 2 and "{" not in english]
    assert sum(text in pages["en"].text for text in said) > 20
    assert not [text for text in said if text in pages["zh"].text]


def test_train_and_resume_say_where_it_lies(tmp_path: Path, capsys: Captured) -> None:
    wanted = tmp_path / "recipe.json"
    wanted.write_text(json.dumps(recipe(tmp_path, epochs=1)), encoding="utf-8")
    wanted = wanted.rename(tmp_path / "recipe.yaml")
    assert main(["train", str(wanted)]) == 0
    page = tmp_path / "runs" / "small" / "report.html"
    assert f"Report: {page}" in capsys.readouterr().out
    page.unlink()
    assert main(["resume", str(page.parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(page)
    assert read(page).sections == ALL


def test_a_training_that_was_refused(tmp_path: Path) -> None:
    wanted = recipe(tmp_path, optimizer={"name": "sgd", "lr": 1e30})
    with pytest.raises(TrainingError):
        danlu.train(wanted, screen=False)
    page = read(write_report(tmp_path / "runs" / "small"))
    assert "stopped, since a step was not finite" in page.text
    assert "A step was NaN or infinite" in page.text
    assert {"curves", "health", "remarks"} <= set(page.sections)
