"""A user's whole way on the command line: check, train, look, judge, ask, interrupt, go on."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import danlu
from danlu.cli.main import main

Captured = pytest.CaptureFixture[str]
SMALL = ["data.source=builtin:digits", "model.name=mlp", "model.args.widths=[32]", "train.epochs=2", "train.device=cpu"]
SMALL += ["train.precision=fp32", "train.threads=1", "data.workers=0"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``runs/small`` has been trained."""
    folder = tmp_path_factory.mktemp("workplace")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["train", *SMALL, "run.name=small"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _there(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)


def answer(capsys: Captured, *words: str, code: int = 0) -> object:
    assert main([*words, "--json"]) == code, capsys.readouterr().err
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 1, "one document and nothing else on stdout"
    return json.loads(lines[0])


def test_check_in_chinese_says_everything_in_chinese(capsys: Captured) -> None:
    """Also the check of a last batch that holds one sample, which few recipes meet."""
    asked = ["train.batch_size=2", "data.limit=101", "train.accumulate=3", "train.clip_norm=1", "train.l1=1e-5"]
    asked += ["train.warmup=2", "train.early_stop.patience=2", "train.evaluate_every=2", "data.source=builtin:digits"]
    assert main(["check", "image-classification", *asked, "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "单样本批次" in shown
    assert not re.search(r"[A-Za-z]{3,} [a-z]{3,}", shown.rpartition("：danlu train")[0]), shown


def test_check_prints_the_loop_and_trains_nothing(capsys: Captured) -> None:
    checked = answer(capsys, "check", *SMALL)
    assert isinstance(checked, dict)
    assert all(step["seconds"] >= 0 for step in checked["steps"])
    slots = [slot["slot"] for slot in checked["slots"]]
    assert slots.index("transforms") < slots.index("objective") < slots.index("update") < slots.index("stoppers")
    assert main(["check", *SMALL]) == 0
    shown = capsys.readouterr().out
    assert all(slot in shown for slot in slots)
    assert shown.rstrip().endswith(shlex.join(SMALL)), "the last line can be typed to train"
    assert sorted(path.name for path in Path("runs").iterdir()) == ["small"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_training_ends_with_the_result_and_what_next(language: str, capsys: Captured) -> None:
    assert main(["train", *SMALL, f"run.name=again-{language}", "--lang", language]) == 0
    ending = capsys.readouterr().out.rstrip().splitlines()[-16:]
    text = "\n".join(ending)
    run = danlu.Run(f"runs/again-{language}")
    low, high = run.intervals["test/accuracy"]
    accuracy = next(line for line in ending if line.startswith("test/accuracy"))
    assert f"{run.metrics['test/accuracy']:.4f}" in accuracy
    assert f"{low:.4f} – {high:.4f}" in accuracy
    assert "95 %" in accuracy
    assert str(run.path) in text
    commands = [line.partition("#")[0].split() for line in ending if line.strip().startswith("danlu ")]
    if run.ailments:  # two epochs are few
        assert commands.pop(0) == ["danlu", "fix", str(run.path)]
    assert [words[1] for words in commands] == ["predict", "evaluate", "export", "train"]
    assert main(commands[1][1:]) == 0, "what is proposed works"
    assert {"train.epochs=4", f"run.name=again-{language}-longer"} <= set(commands[3])
    assert Path(commands[3][2]).is_file()


def test_the_same_recipe_gives_the_same_bits(capsys: Captured) -> None:
    """A run made again with another name, from the recipe that the first one wrote down."""
    again = answer(capsys, "train", "runs/small/recipe.yaml", "run.name=same")
    assert isinstance(again, dict)
    assert again["metrics"] == danlu.Run("runs/small").metrics


def test_a_name_that_is_taken_is_refused(capsys: Captured) -> None:
    assert main(["train", *SMALL, "run.name=small"]) == 2
    assert "small" in capsys.readouterr().err
    assert main(["train", "runs/small"]) == 2
    assert "danlu resume runs/small" in capsys.readouterr().err


def test_evaluate_agrees_with_the_run(capsys: Captured) -> None:
    judged = answer(capsys, "evaluate", "runs/small")
    assert isinstance(judged, dict)
    run = danlu.Run("runs/small")
    assert judged["values"]["test/accuracy"] == run.metrics["test/accuracy"]
    assert tuple(judged["intervals"]["test/accuracy"]) == run.intervals["test/accuracy"]
    assert main(["evaluate", "runs/small", "--part", "val"]) == 0
    shown = capsys.readouterr().out
    assert "val/accuracy" in shown
    assert " – " in shown
    other = answer(capsys, "evaluate", "runs/small", "--data", "builtin:digits")
    assert isinstance(other, dict)
    assert other["samples"] > judged["samples"]


def test_predict_answers_files_and_folders(tmp_path: Path, capsys: Captured) -> None:
    digits = load_digits()
    for index in range(40):
        Image.fromarray((digits.images[index] * 255 / 16).astype(np.uint8)).save(
            tmp_path / f"{index:02}-{digits.target[index]}.png"
        )
    assert main(["predict", "runs/small", str(tmp_path)]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [Path(row[0]).name for row in rows] == sorted(path.name for path in tmp_path.iterdir())
    right = sum(Path(row[0]).stem.endswith(f"-{row[1]}") for row in rows)
    assert right > 16, "chance is 4"
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert main(["predict", "runs/small", str(tmp_path / "bad.png"), str(tmp_path / "00-0.png")]) == 1
    captured = capsys.readouterr()
    assert "bad.png" in captured.err
    assert len(captured.out.splitlines()) == 1


def test_runs_lists_what_was_trained(capsys: Captured) -> None:
    found = answer(capsys, "runs")
    assert isinstance(found, list)
    (row,) = [row for row in found if row["name"] == "small"]
    assert row["status"] == "finished"
    assert row["metrics"]["test/accuracy"] > 0.5
    assert main(["runs"]) == 0
    assert re.search(r"small .*image-classification .*finished .*test/accuracy 0\.\d{4}", capsys.readouterr().out)
    assert answer(capsys, "runs", "nowhere") == []


def test_interrupted_runs_say_how_to_go_on_and_do(capsys: Captured) -> None:
    """Ctrl-C in a real process: exit code 130, a checkpoint, and a resumed run equal to an uninterrupted one."""
    long = [*SMALL, "train.epochs=20", "data.limit=400", "train.batch_size=16"]
    command = [sys.executable, "-m", "danlu", "train", *long, "run.name=broken"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checkpoints = Path("runs/broken/checkpoints")
    deadline = time.monotonic() + 120
    while not (checkpoints.is_dir() and any(checkpoints.glob("[0-9]*"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "danlu resume runs/broken" in errors
    assert danlu.Run("runs/broken").status == "interrupted"
    resumed = answer(capsys, "resume", "runs/broken")
    whole = answer(capsys, "train", *long, "run.name=whole")
    assert isinstance(resumed, dict)
    assert isinstance(whole, dict)
    assert resumed["metrics"] == whole["metrics"]
