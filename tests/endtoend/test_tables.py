"""A CSV becomes a run, a report that says who wins, and an artifact that answers raw rows and files."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.deploy.export import export
from danlu.deploy.loading import predict
from danlu.errors import DanluError

TOWNS = {"Ulm": 50, "Bonn": 100, "Trier": 0}


def houses(path: Path, rows: int = 240) -> Path:
    draw = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "area", "rooms", "town", "built", "garden", "price", "size", "features wanted"])
        for row in range(rows):
            area, rooms, town = round(draw.uniform(30, 200), 1), int(draw.integers(1, 8)), str(draw.choice(list(TOWNS)))
            built = date(1950, 1, 1) + timedelta(days=int(draw.integers(0, 25000)))
            garden = str(draw.choice(["yes", "no"]))
            price = (
                3 * area + 20 * rooms + TOWNS[town] + (built.year - 1950) + 30 * (garden == "yes") + draw.normal(0, 5)
            )
            wanted = "|".join(name for name, yes in (("large", area > 120), ("old", built.year < 1980)) if yes) or "[]"
            gap = "" if draw.random() < 0.05 else area
            size = "large" if area > 115 else "small"
            writer.writerow([row + 1, gap, rooms, town, built, garden, round(price, 1), size, wanted])
    return path


def trained(folder: Path, task: str, column: str, name: str, epochs: int = 3) -> danlu.Run:
    ignored = [each for each in ("price", "size", "features wanted") if each != name]
    return danlu.train({
        "task": task,
        "run": {"folder": str(folder), "name": task},
        "data": {"source": str(folder / "houses.csv"), "columns": {column: name}, "split": {"val": 0.2, "test": 0.2}},
        "model": {"args": {"width": 32, "members": 3, "size": 4}},
        "train": {"epochs": epochs, "batch_size": 32, "allocator": "system"},
        "options": {"features": {"ignore": ignored}},
    }, screen=False)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    houses(made / "houses.csv")
    return made


ROW = {"area": 80, "rooms": 3, "town": "Ulm", "built": "1990-05-01", "garden": "yes"}


def test_regression(folder: Path) -> None:
    run = trained(folder, "table-regression", "value", "price")
    beside = json.loads((run.path / "baselines.json").read_text())
    assert {"mean", "median", "linear", "boosting"} == beside.keys()
    assert not beside["linear"]["differences"]["test/rmse"][
        "beaten"
    ]  # the table is linear, and the net has hardly begun
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert "does not beat the best baseline" in report
    assert "another value in every row" in report
    artifact = danlu.load(export(run.path))
    own = danlu.load(run.path)
    asked = [ROW, {**ROW, "town": "Atlantis", "area": None}, dict(reversed(ROW.items()))]
    answers = artifact.predict(asked)
    assert answers[0] == answers[2] != answers[1]
    for mine, theirs in zip(answers, own.predict(asked), strict=True):
        assert mine["value"] == pytest.approx(theirs["value"], rel=1e-5)
        low, high = mine["interval"]
        assert low < mine["value"] < high
    for wrong, word in (({**ROW, "area": "large"}, "large"), ({"area": 80}, "town")):
        with pytest.raises(DanluError, match=word):
            artifact.predict([wrong])
    told = list(predict(run.path / "artifact", [folder / "houses.csv"]))
    assert len(told) == 240
    assert told[0]["input"] == "houses.csv, line 2"
    with (folder / "houses.csv").open() as stream:
        first = next(csv.DictReader(stream))
    assert told[0]["value"] == artifact.predict([first])[0]["value"]


def test_classification(folder: Path) -> None:
    run = trained(folder, "table-classification", "label", "size", epochs=12)
    assert run.metrics["test/accuracy"] > 0.7
    [answer] = danlu.load(export(run.path)).predict([ROW])
    assert answer["label"] in ("large", "small")
    assert 0.5 <= answer["probability"] <= 1


def test_several_labels(folder: Path) -> None:
    run = trained(folder, "table-multi-label", "labels", "features wanted")
    assert 0 < run.metrics["test/map"] <= 1
    [answer] = danlu.load(export(run.path)).predict([ROW])
    assert {name for name, _ in answer["top"]} == {"large", "old"}


def test_a_series_is_beside_the_seasonal_naive(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = ["day,heat"]
    for day in range(260):
        moment = date(2020, 1, 1) + timedelta(days=day)
        lines.append(f"{moment},{10 * np.sin(day / 7 * 2 * np.pi) + draw.normal():.3f}")
    (tmp_path / "series.csv").write_text("\n".join(lines))
    recipe: dict[str, Any] = {
        "task": "table-regression",
        "run": {"folder": str(tmp_path), "name": "series"},
        "data": {"source": str(tmp_path / "series.csv"), "columns": {"value": "heat"}, "split": {"time": "day"}},
        "model": {"args": {"width": 16, "members": 2, "size": 4}},
        "train": {"epochs": 2, "batch_size": 32, "allocator": "system"},
        "options": {"features": {"lags": {"value": [1, 7]}}},
    }
    run = danlu.train(recipe, screen=False)
    beside = json.loads((run.path / "baselines.json").read_text())
    assert beside["seasonal-naive"]["settings"] == {"of": "value -7"}
    assert beside["seasonal-naive"]["values"]["test/rmse"] == pytest.approx(np.sqrt(2), abs=0.6)
    answer = danlu.load(export(run.path)).predict([{"day": "2021-01-01", "value -1": 1.0, "value -7": None}])
    assert np.isfinite(answer[0]["value"])


@pytest.mark.slow
def test_shuffled_labels_are_not_told(tmp_path: Path) -> None:
    """AUC .5 ± .05 on 2,000 rows: nothing of a row's own label reaches the net by way of imputers, scalers or vocabularies."""
    draw = np.random.default_rng(1)
    lines = ["a,b,town,rare,label"]
    for _ in range(5000):
        gap = "" if draw.random() < 0.2 else f"{draw.normal():.3f}"
        lines.append(
            f"{draw.normal():.3f},{gap},{draw.choice(list('abcd'))},t{draw.integers(800)},{draw.choice(['n', 'y'])}"
        )
    (tmp_path / "table.csv").write_text("\n".join(lines))
    run = danlu.train({
        "task": "table-classification",
        "run": {"folder": str(tmp_path), "name": "shuffled"},
        "data": {"source": str(tmp_path / "table.csv"), "split": {"val": 0.1, "test": 0.4}},
        "model": {"args": {"width": 64, "members": 4}},
        "train": {"epochs": 8, "allocator": "system"},
        "options": {"features": {"types": {"rare": "category"}, "min_count": 1}},
    }, screen=False)  # fmt: skip
    assert abs(run.metrics["test/auc"] - 0.5) < 0.05
    assert all(
        abs(entry["values"]["test/auc"] - 0.5) < 0.05
        for entry in json.loads((run.path / "baselines.json").read_text()).values()
    )
