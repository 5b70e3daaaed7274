"""``danlu.evaluate`` on other data than the run's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.cli.main import main
from danlu.deploy.loading import predict as danlu_predict
from danlu.errors import DataError
from danlu.runs import evaluate
from tests.runs import small


def test_columns_that_the_recipe_names_are_those_of_other_data_too(tmp_path: Path) -> None:
    """A guess by name would take ``label``, which holds something else."""

    def save(name: str, seed: int, **also: np.ndarray) -> Path:
        archive = dict(np.load(small.archive(tmp_path / "plain.npz", seed=seed)))
        np.savez(tmp_path / name, **archive, **also)
        return tmp_path / name

    decoy = (np.arange(36) + 1) % 3
    own, other = save("own.npz", 0, label=decoy), save("other.npz", 1, label=decoy)
    recipe = small.recipe(tmp_path)
    recipe["data"] |= {"source": str(own), "columns": {"image": "images", "label": "labels"}}
    run = danlu.train(recipe, screen=False)
    named = evaluate(run.path, source=str(other))
    np.savez(tmp_path / "right.npz", **{name: np.load(other)[name] for name in ("images", "labels")})
    assert (
        named["values"]["test/accuracy"]
        == evaluate(run.path, source=str(tmp_path / "right.npz"))["values"]["test/accuracy"]
    )
    np.savez(tmp_path / "lacking.npz", images=np.load(other)["images"], label=decoy)
    with pytest.raises(DataError, match=r"data\.columns\.label"):
        evaluate(run.path, source=str(tmp_path / "lacking.npz"))


def _reviews(path: Path, names: str, row: str, seed: int) -> Path:
    """60 texts of two classes, told by one word. row: how a line is made of the text and the label."""
    draw = np.random.default_rng(seed)
    lines = [names]
    for place in range(60):
        good = place % 2
        text = f"{'fine' if good else 'awful'} {' '.join(draw.choice(list('abcdefgh'), 5))}"
        lines.append(row.format(text=text, label="yes" if good else "no", other=f"{place} nothing"))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_other_data_are_read_by_the_columns_that_were_guessed_for_the_own(tmp_path: Path) -> None:
    """``review`` comes before ``body`` among the names by which a column of texts is guessed."""
    own = _reviews(tmp_path / "own.csv", "body,label", "{text},{label}", 0)
    recipe = {
        "task": "text-classification",
        "run": {"name": "r", "folder": str(tmp_path / "runs")},
        "data": {"source": str(own), "cache": str(tmp_path / "cache")},
        "train": {"epochs": 4},
        "evaluate": {"baselines": False},
    }
    run = danlu.train(recipe, screen=False)
    assert run.path.joinpath("data", "card.json").read_text().count('"called": "body"') == 1
    other = _reviews(tmp_path / "other.csv", "review,body,label", "{other},{text},{label}", 1)
    judged = evaluate(run.path, source=str(other))
    assert judged["values"]["test/accuracy"] > 0.8  # by the other column: .5
    assert judged["warnings"] == []
    answers = [answer["label"] for answer in _asked(run.path, other)]
    assert np.mean(np.equal(answers, ["no", "yes"] * 30)) == judged["values"]["test/accuracy"]
    renamed = _reviews(tmp_path / "renamed.csv", "review,label", "{text},{label}", 2)
    judged = evaluate(run.path, source=str(renamed))
    assert judged["values"]["test/accuracy"] > 0.8  # by the other column: .5
    assert any("'review'" in text for text in judged["warnings"])
    artifact = danlu.export(run, tmp_path / "artifact")
    assert [answer["label"] for answer in _asked(artifact, other)] == answers


def test_a_column_of_texts_that_is_not_there_is_taken_from_another_as_when_asked(tmp_path: Path) -> None:
    """One rule for both: taken aloud where one is called so, refused where several could be it; never for a label that is named."""
    own = _reviews(tmp_path / "own.csv", "opinion,verdict", "{text},{label}", 0)
    recipe = {
        "task": "text-classification",
        "run": {"name": "r", "folder": str(tmp_path / "runs")},
        "data": {
            "source": str(own),
            "cache": str(tmp_path / "cache"),
            "columns": {"text": "opinion", "label": "verdict"},
        },
        "train": {"epochs": 4},
        "evaluate": {"baselines": False},
    }
    run = danlu.train(recipe, screen=False)
    other = _reviews(tmp_path / "other.csv", "comment,verdict", "{text},{label}", 1)
    judged = evaluate(run.path, source=str(other))
    assert judged["values"]["test/accuracy"] > 0.8
    told: list[str] = []
    answers = [answer["label"] for answer in danlu_predict(run.path, [other], tell=told.append)]
    assert np.mean(np.equal(answers, ["no", "yes"] * 30)) == judged["values"]["test/accuracy"]
    assert len(told) == 1
    assert told[0] in judged["warnings"]
    assert "'opinion'" in told[0]
    assert "'comment'" in told[0]
    several = _reviews(tmp_path / "several.csv", "comment,body,verdict", "{text},{other},{label}", 1)
    for asked in (lambda: evaluate(run.path, source=str(several)), lambda: _asked(run.path, several)):
        with pytest.raises(DataError, match="it could be each of: comment, body"):
            asked()
    unlabelled = _reviews(tmp_path / "unlabelled.csv", "comment,label", "{text},{label}", 1)
    with pytest.raises(DataError, match="no column 'verdict'"):
        evaluate(run.path, source=str(unlabelled))
    assert [answer["label"] for answer in _asked(run.path, unlabelled)] == answers


def _asked(path: Path, table: Path) -> list[dict[str, Any]]:
    return list(danlu_predict(path, [table]))


def test_what_is_left_out_of_other_data_is_told(tmp_path: Path) -> None:
    """Figures of 58 rows are no figures of 60."""
    own = _reviews(tmp_path / "own.csv", "text,label", "{text},{label}", 0)
    recipe = {
        "task": "text-classification",
        "run": {"name": "r", "folder": str(tmp_path / "runs")},
        "data": {"source": str(own), "cache": str(tmp_path / "cache")},
        "train": {"epochs": 1},
        "evaluate": {"baselines": False},
    }
    run = danlu.train(recipe, screen=False)
    lines = own.read_text().splitlines()
    lines[3], lines[7] = ",yes", "one,two,three"
    (tmp_path / "gaps.csv").write_text("\n".join(lines))
    judged = evaluate(run.path, source=str(tmp_path / "gaps.csv"))
    assert judged["samples"] == 58
    bad, missing = sorted(judged["warnings"])
    assert bad.startswith("1 of 60 rows can't be used")
    assert "gaps.csv, line 8" in bad
    assert "text (1)" in missing
    assert evaluate(run.path)["warnings"] == []


def test_other_data_of_a_series_have_lags_too(tmp_path: Path) -> None:
    """Made by the times that the run's recipe names; what each layer gives out is asked by rows that bring their past along."""
    draw = np.random.default_rng(0)
    for name, days in (("own", 90), ("other", 40)):
        lines = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{draw.normal():.3f},{day % 7}.5" for day in range(days)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["when,rain,sold", *lines]))
    recipe = {
        "task": "table-regression",
        "run": {"name": "r", "folder": str(tmp_path / "runs")},
        "data": {
            "source": str(tmp_path / "own.csv"),
            "cache": str(tmp_path / "cache"),
            "columns": {"value": "sold"},
            "split": {"time": "when"},
        },
        "options": {"features": {"lags": {"value": [1, 7]}}},
        "train": {"epochs": 1, "precision": "fp32"},
        "evaluate": {"baselines": False, "report": False},
    }
    run = danlu.train(recipe, screen=False)
    judged = evaluate(run.path, source=str(tmp_path / "other.csv"))
    assert judged["samples"] == 40
    assert np.isfinite(judged["values"]["test/mae"])
    (tmp_path / "asked.csv").write_text("when,rain,value -1,value -7\n2024-05-01,0.5,1.5,2.5\n2024-05-02,0.1,2.5,3.5\n")
    assert main(["inspect", str(run.path), str(tmp_path / "asked.csv"), "--json"]) == 0
