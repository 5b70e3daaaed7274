"""A CSV of impressions becomes a run beside its baselines, a report and an artifact that answers and ranks raw rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.deploy.export import export
from danlu.deploy.loading import predict
from danlu.errors import DanluError

SOURCE, FOLDER = "clicks.csv", "clicks"
ROW = {"user_id": 3, "item_id": 4, "hour": 2, "price": 3.5}


def impressions(path: Path, rows: int = 2400, shuffled: bool = False) -> Path:
    """Users and items with hidden vectors; a click is more probable where they agree, and of users who click much."""
    draw = np.random.default_rng(0)
    user, item = draw.normal(size=(30, 2)), draw.normal(size=(20, 2))
    lines = ["user_id,item_id,hour,price,click"]
    for _ in range(rows):
        one, other = draw.integers(30), draw.integers(20)
        chance = 1 / (1 + np.exp(2 - 2.5 * user[one] @ item[other] - user[one, 0]))
        click = int(draw.random() < (0.3 if shuffled else chance))
        price = "" if draw.random() < 0.1 else f"{draw.exponential(20):.2f}"
        lines.append(f"{one},{other},{draw.integers(24)},{price},{click}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def trained(folder: Path, name: str, **more: Any) -> danlu.Run:
    recipe: dict[str, Any] = {
        "task": "click-prediction",
        "run": {"folder": str(folder), "name": name},
        "data": {"source": str(folder / SOURCE), "cache": str(folder / "cache"), "split": {"val": 0.15, "test": 0.25}},
        "model": {"name": "fm", "args": {"embedding": 4, "scale": 0.2}},
        "train": {"epochs": 6, "batch_size": 64, "optimizer": {"lr": 0.02}, "allocator": "system"},
        "watch": {"captures_every": 0},
        "evaluate": {"report": False, "baselines": False},
    }
    for key, value in more.items():
        recipe[key] = {**recipe.get(key, {}), **value}
    return danlu.train(recipe, screen=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(FOLDER)
    impressions(made / SOURCE)
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> danlu.Run:
    return trained(folder, "whole", evaluate={"report": True, "baselines": True})


@pytest.fixture(scope="module")
def artifact(run: danlu.Run) -> Path:
    return export(run.path)


def test_the_net_is_beside_its_baselines_and_in_a_report(run: danlu.Run) -> None:
    beside = json.loads((run.path / "baselines.json").read_text())
    assert {"rate", "linear", "boosting"} == beside.keys()
    assert beside["rate"]["values"]["test/auc"] == 0.5
    assert beside["rate"]["values"]["test/normalised-entropy"] == pytest.approx(1.0, abs=0.01)
    assert 0.5 < beside["linear"]["values"]["test/auc"] < run.metrics["test/auc"]  # the clicks hang on pairs
    assert 0 < run.metrics["test/gauc"] < 1
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert "normalised entropy" in report
    assert "probably wrong" not in report  # nobody mislabelled a click


def test_an_artifact_answers_as_the_run_and_serves_what_it_has_not_seen(
    run: danlu.Run, artifact: Path, folder: Path
) -> None:
    served, own = danlu.load(artifact), danlu.load(run.path)
    asked = [ROW, {**ROW, "item_id": "new", "price": None}, dict(reversed(ROW.items()))]
    answers = served.predict(asked)
    assert answers[0] == answers[2] != answers[1]
    for mine, theirs in zip(answers, own.predict(asked), strict=True):
        assert mine["click"] == pytest.approx(theirs["click"], rel=1e-5)
    for wrong, word in (({**ROW, "price": "cheap"}, "price.*cheap"), ({"user_id": 3}, "item_id")):
        with pytest.raises(DanluError, match=word):
            served.predict([wrong])
    candidates = [{**ROW, "item_id": item} for item in range(20)]
    ranked = served.rank(candidates)
    assert sorted(each["place"] for each in ranked) == list(range(20))
    assert ranked == sorted(ranked, key=lambda each: -each["click"])
    assert ranked[0]["click"] == served.predict([candidates[ranked[0]["place"]]])[0]["click"]
    told = list(predict(artifact, [folder / SOURCE], rank=True))
    assert len(told) == 2400
    assert [each["click"] for each in told] == sorted((each["click"] for each in told), reverse=True)


def test_what_has_no_order_is_not_ranked(run: danlu.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    own = danlu.load(run.path)
    monkeypatch.setattr(own, "worth", None)
    with pytest.raises(TypeError, match="order"):
        own.rank([ROW])


def test_thinned_negatives_give_the_probabilities_of_all_rows(folder: Path) -> None:
    run = trained(
        folder,
        "thinned",
        options={"negatives": 0.25, "recalibrate": True},
        train={"epochs": 4, "batch_size": 64, "allocator": "system"},
    )
    card = json.loads((run.path / "data" / "card.json").read_text())
    assert card["facts"]["negatives_left_out"] > 500
    assert abs(run.metrics["test/click-ratio"] - 1) < 0.25  # learnt from a rate more than twice as high
    assert run.metrics["test/ece"] < 0.08
    kept = json.loads((run.path / "thresholds.json").read_text())
    assert kept["after"] <= kept["before"]
    assert 0 < danlu.load(run.path).predict([ROW])[0]["click"] < 1


def test_by_time_where_it_is_known(tmp_path: Path) -> None:
    lines = (impressions(tmp_path / SOURCE, 300)).read_text().splitlines()
    timed = [lines[0] + ",timestamp", *(f"{line},{1_600_000_000 + 60 * row}" for row, line in enumerate(lines[1:]))]
    (tmp_path / SOURCE).write_text("\n".join(timed))
    run = trained(tmp_path, "timed", train={"epochs": 1, "allocator": "system"})
    card = json.loads((run.path / "data" / "card.json").read_text())
    assert card["split"]["how"] == "by time"
    answer = danlu.load(run.path).predict([ROW])  # which says no time: it is never looked at
    assert 0 < answer[0]["click"] < 1


def test_three_answers_are_no_clicks(tmp_path: Path) -> None:
    text = impressions(tmp_path / SOURCE, 120).read_text().splitlines()
    (tmp_path / SOURCE).write_text("\n".join([*text, "1,2,3,4.0,perhaps"]))
    with pytest.raises(DanluError, match="perhaps"):
        trained(tmp_path, "three")


def test_no_torch_is_needed_to_rank(artifact: Path) -> None:
    code = (
        "import sys, danlu\n"
        f"found = danlu.load({str(artifact)!r}).rank([{ROW!r}, { ({**ROW, 'item_id': 5})!r}])\n"
        "assert len(found) == 2 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_shuffled_clicks_are_not_told(tmp_path: Path) -> None:
    """AUC .5 ± .05 on 2,000 rows: nothing of a row's own answer reaches the net."""
    impressions(tmp_path / SOURCE, 6000, shuffled=True)
    run = trained(tmp_path, "shuffled", data={
        "source": str(tmp_path / SOURCE), "split": {"val": 0.1, "test": 0.4}, "cache": str(tmp_path / "c"),
    }, options={"features": {"min_count": 1, "crosses": [["user_id", "item_id"]]}})  # fmt: skip
    assert abs(run.metrics["test/auc"] - 0.5) < 0.05
