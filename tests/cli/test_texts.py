"""Texts on the command line, where a run is asked for more than an answer: the words behind it, what each layer gives out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import danlu
from danlu.cli.main import main
from danlu.evaluation.explain.words import words


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("texts")
    rows = [f"{'fine' if row % 2 else 'awful'} place number {row},{'yes' if row % 2 else 'no'}" for row in range(60)]
    (place / "own.csv").write_text("\n".join(["text,label", *rows]))
    recipe = {
        "task": "text-classification",
        "run": {"name": "r", "folder": str(place)},
        "data": {"source": str(place / "own.csv"), "cache": str(place / "cache")},
        "train": {"epochs": 4, "precision": "fp32"},
        "evaluate": {"baselines": False, "report": False},
    }
    return danlu.train(recipe, screen=False).path


def test_the_words_behind_an_answer(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a text itself, of a file, of a table's rows; with the figures of Python's own."""
    (tmp_path / "one.txt").write_text("an awful place")
    (tmp_path / "two.csv").write_text("text\na fine place\nawful\n")
    given = ["a fine place", str(tmp_path / "one.txt"), str(tmp_path / "two.csv")]
    assert main(["explain", str(run), *given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    texts = ["a fine place", "an awful place", "a fine place", "awful"]
    assert [one["target"] for one in told] == ["yes", "no", "yes", "no"]
    for one, expected in zip(told, words(danlu.load(str(run)), texts), strict=True):
        np.testing.assert_allclose(one["weights"], expected.weights, rtol=1e-4)
    assert main(["explain", str(run), "a fine place"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert "yes" in head
    assert line.split()[0] == "fine"  # the strongest first
    assert main(["explain", str(run), "a fine place", "--class", "no"]) == 0
    assert "fine -" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--class", "noo"], "Did you mean no?"),
        (["--method", "occlusion"], "for images"),
        (["--layer", "x"], "for images"),
    ],
)
def test_what_is_asked_wrongly(run: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert main(["explain", str(run), "a fine place", *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_what_each_layer_gives_out_for_texts(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("an awful place")
    (tmp_path / "two.csv").write_text("text\na fine place\nawful\n")
    found = {}
    for name, given in (
        ("text", ["an awful place"]),
        ("file", [tmp_path / "one.txt"]),
        ("table", [tmp_path / "two.csv"]),
    ):
        assert main(["inspect", str(run), *map(str, given), "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert found["text"] == found["file"]
    assert [found[name]["samples"] for name in ("text", "table")] == [1, 2]
    assert found["text"] == json.loads(json.dumps(danlu.inspect(run, "an awful place").as_dict()))
    assert main(["inspect", str(run), "fine " * 2000]) == 0  # longer than a name of a file may be
