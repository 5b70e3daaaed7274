"""The command line's own words: help in two languages, mistakes, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import danlu.runs
from danlu.cli.main import commands, main
from danlu.errors import DataError, Problem, TrainingError
from danlu.messages import set_language
from danlu.runs.predictor import files_in

Captured = pytest.CaptureFixture[str]
TWO = DataError([Problem("a.csv, row 3", "No label.", "Give one."), Problem("b", "Bad\nline.")])


def chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text.replace("丹炉", ""))


def test_every_module_is_a_command_with_help_in_both_languages(capsys: Captured) -> None:
    assert {"train", "check", "resume", "evaluate", "predict", "runs", "list", "schema", "new"} <= set(commands())
    for name in commands():
        for language in ("en", "zh"):
            assert main([name, "--help", "--lang", language]) == 0
            shown = capsys.readouterr().out
            assert f"danlu {name}" in shown
            for option in ("--json", "--lang", "--debug"):
                assert option in shown
            assert chinese(shown) == (language == "zh"), shown
    set_language("en")


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], []])
def test_the_overview_names_every_command(words: list[str], capsys: Captured) -> None:
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in commands())


def test_language_comes_from_the_option_wherever_it_stands(capsys: Captured) -> None:
    for words in (["--lang", "zh", "--help"], ["--help", "--lang=zh"], ["--lang=zh-CN"], ["--lang", "zh_TW", "help"]):
        set_language("en")
        assert main(words) == 0
        assert "用法" in capsys.readouterr().out
    assert main(["--lang", "fr", "--help"]) == 2
    assert main(["--lang"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trian"], ["'trian'", "train"]),
        (["xyzzy"], ["'xyzzy'", "danlu --help"]),
        (["--verbose"], ["--verbose"]),
        (["evaluate"], ["RUN is missing"]),
        (["evaluate", "a", "b"], ["'b'"]),
        (["evaluate", "a", "--prat", "val"], ["--prat", "--part"]),
        (["evaluate", "a", "--part"], ["--part", "value is missing"]),
        (["evaluate", "a", "--part", "valid"], ["'valid'", "train, val, test", "val"]),
        (["evaluate", "--json=3", "a"], ["--json"]),
        (["predict"], ["RUN is missing"]),
        (["predict", "a"], ["INPUT is missing"]),
        (["train", "nowhere.yaml"], ["nowhere.yaml"]),
        (["train", "detecton"], ["detecton", "detection"]),
        (["train", "recipe.yaml", "other.yaml"], ["other.yaml", "key=value"]),
        (["train", "trian.epochs=3"], ["trian", "train"]),
        (["new", "image-clasification"], ["image-classification"]),
        (["new"], ["TASK is missing"]),
        (["list", "nest"], ["nest", "nets"]),
        (["resume", "no-such-run"], ["no-such-run"]),
    ],
)
def test_mistakes_are_told_with_a_remedy(words: list[str], told: list[str], capsys: Captured) -> None:
    """On stderr, one line each, without a traceback; with ``--json`` as data on stdout."""
    assert main(words) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert "Traceback" not in captured.err
    for part in told:
        assert part in captured.err
    assert main([*words, "--json"]) == 2
    (problem, *_) = json.loads(capsys.readouterr().out)["error"]
    assert set(problem) == {"where", "what", "remedy"}
    assert problem["what"]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes ``danlu runs`` fail in a given way."""

    def fail_with(error: BaseException) -> None:
        def find(folder: str) -> Any:
            raise error

        monkeypatch.setattr(danlu.runs, "find", find, raising=False)

    return fail_with


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (TWO, 2, "a.csv, row 3: No label. Give one.\nb: Bad line.\n"),
        (TrainingError.of("step 5", "The loss is NaN."), 3, "step 5: The loss is NaN.\n"),
        (KeyboardInterrupt(), 130, "danlu resume"),
        (PermissionError(13, "Permission denied", "runs/x"), 2, "runs/x: The system says: Permission denied."),
        (OSError(28, "No space left on device"), 2, "No space left"),
        (ZeroDivisionError("by zero"), 70, "defect of Danlu, not of what you wrote: ZeroDivisionError: by zero"),
        (OSError("odd"), 70, "defect"),
    ],
)  # fmt: skip
def test_exit_codes(error: BaseException, code: int, told: str, failing: Any, capsys: Captured) -> None:
    failing(error)
    assert main(["runs"]) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    failing(error)
    assert main(["runs", "--debug"]) == code
    assert "Traceback" in capsys.readouterr().err
    failing(error)
    assert main(["runs", "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit"] == code


def test_predictions_stream_and_failures_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    answers = [
        {"input": "a.png", "label": "猫", "probability": 0.97123},
        {"input": "b.png", "error": "not an image"},
        {"input": "c.png", "boxes": [[1.0, 2.0]]},
    ]
    monkeypatch.setattr("danlu.deploy.loading.predict", lambda *words, **options: iter(answers))
    assert main(["predict", "run", "a.png", "b.png", "c.png"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["a.png\t猫\t0.9712", "c.png\tboxes=[[1.0, 2.0]]"]
    assert "b.png: not an image" in captured.err
    assert "1 of 3" in captured.err
    assert main(["predict", "run", "a.png", "--json"]) == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == answers
    monkeypatch.setattr("danlu.deploy.loading.predict", lambda *words, **options: iter(answers[:1]))
    assert main(["predict", "run", "a.png"]) == 0
    monkeypatch.undo()
    with pytest.raises(DataError, match="nothing to predict"):
        files_in([tmp_path])


def test_new_and_schema_write_no_file_over_another(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "recipe.yaml"
    assert main(["new", "image-classification", "-o", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert text.startswith("#")
    assert f"danlu train {target}" in capsys.readouterr().out
    target.write_text("mine", encoding="utf-8")
    assert main(["new", "image-classification", "-o", str(target)]) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "mine"
    assert main(["new", "image-classification", "-o", str(target), "--force"]) == 0
    assert target.read_text(encoding="utf-8") == text
    assert main(["new", "image-classification"]) == 0
    assert capsys.readouterr().out.endswith(text)
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"task", "data", "model", "train"} <= set(schema["properties"])
    assert main(["schema", "-o", str(tmp_path / "no" / "folder.json")]) == 2


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    clean = {
        name: value for name, value in os.environ.items() if name not in {"LANG", "LC_ALL", "LC_CTYPE", "DANLU_LANG"}
    }
    return subprocess.run(
        [sys.executable, "-m", "danlu", *words], capture_output=True, check=False, env={**clean, **environment}
    )


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_chinese_comes_out_in_any_locale(environment: dict[str, str]) -> None:
    done = run("--help", "--lang", "zh", **environment)
    assert done.returncode == 0, done.stderr
    assert "按配方训练" in done.stdout.decode("utf-8")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``danlu schema | head -1`` ends quietly."""
    command = f"{sys.executable} -m danlu schema | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""
    assert done.stdout.splitlines()[-1] in {b"0", b"141"}  # 0 where head read everything before it went


def test_version_is_the_package_s() -> None:
    done = run("--version")
    assert done.stdout.decode().strip() == f"danlu {danlu.__version__}"
