"""Events and a table of items become recommendations of items that nobody met, with reasons, and an artifact that gives the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.deploy.export import export
from danlu.errors import DanluError

USERS, ITEMS, GENRES = 60, 60, ("war", "love", "space", "crime")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each user mostly meets films of one genre."""
    made, draw = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    genre = draw.integers(0, 4, ITEMS)
    rows = [
        f"m{item},Film {item},{GENRES[genre[item]]}|{draw.choice(['old', 'new'])},{draw.integers(1950, 2000)}"
        for item in range(ITEMS)
    ]
    (made / "items.csv").write_text("\n".join(["id,title,genres,year", *rows]), encoding="utf-8")
    events = ["user_id,movie_id,timestamp"]
    for user in range(USERS):
        chance = np.where(genre == user % 4, 8.0, 1.0)
        met = draw.choice(ITEMS, 18, False, chance / chance.sum())
        events += [f"u{user},m{item},{draw.integers(1000, 9999)}" for item in met]
    (made / "events.csv").write_text("\n".join(events), encoding="utf-8")
    return made


def trained(folder: Path, name: str, **changes: Any) -> danlu.Run:
    recipe: dict[str, Any] = {
        "task": "content-recommendation",
        "run": {"folder": str(folder), "name": name},
        "data": {
            "source": str(folder / "events.csv"), "cache": str(folder / "cache"), "split": {"val": 0.2, "test": 0.25},
        },
        "train": {"epochs": 8, "batch_size": 64, "allocator": "system"},
        "options": {"k": [3], "id": {"titles": str(folder / "items.csv")}},
        "evaluate": {"report": False, "baselines": False},
        "watch": {"captures_every": 0},
    }  # fmt: skip
    for key, value in changes.items():
        recipe[key] = {**recipe.get(key, {}), **value}
    return danlu.train(recipe, screen=False)


@pytest.fixture(scope="module")
def run(folder: Path) -> danlu.Run:
    return trained(folder, "whole", evaluate={"report": True, "baselines": True}, model={"args": {"ids": True}})


def test_items_that_nobody_met_are_found_by_their_content(run: danlu.Run) -> None:
    card = json.loads((run.path / "data" / "card.json").read_text())
    assert card["split"]["how"] == "by item"
    assert card["facts"]["cold_items_test"] == 15  # a quarter: none of them is met in training
    beside = json.loads((run.path / "baselines.json").read_text())
    assert {"popularity", "tf-idf"} == beside.keys()
    popular = beside["popularity"]["values"]["test/ndcg@3"]
    assert run.metrics["test/ndcg@3"] > popular + 0.15
    assert beside["tf-idf"]["values"]["test/ndcg@3"] > popular + 0.15
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert '<data value="15" data-name="facts/cold_items_test">15</data>' in report
    assert f'<data value="{USERS}" data-name="facts/users">' in report


def test_answers_have_reasons_and_an_artifact_gives_the_same(run: danlu.Run, folder: Path) -> None:
    own, served = danlu.load(run.path), danlu.load(export(run.path))
    asked = ["u1", "nobody", "like:m4"]
    mine, theirs = own.predict(asked), served.predict(asked)
    for one, other in zip(mine, theirs, strict=True):
        assert [each["id"] for each in one["items"]] == [each["id"] for each in other["items"]]
        assert [each["because"] for each in one["items"]] == [each["because"] for each in other["items"]]
    user, stranger, like = theirs
    assert [user["known"], stranger["known"], like["known"]] == [True, False, True]
    genres = {row.split(",")[0]: row.split(",")[2] for row in (folder / "items.csv").read_text().splitlines()[1:]}
    for each in user["items"]:
        reasons = [reason.removeprefix("genres: ") for reason in each["because"]]
        assert reasons
        assert set(reasons) & set(genres[each["id"]].split("|"))
    assert all(not each["because"] for each in stranger["items"])
    assert "m4" not in {each["id"] for each in like["items"]}
    met = {row.split(",")[1] for row in (folder / "events.csv").read_text().splitlines() if row.startswith("u1,")}
    assert not met & {each["id"] for each in user["items"]}
    with pytest.raises(DanluError, match="m999"):
        served.predict(["like:m999"])


def test_other_divisions_and_nets(folder: Path) -> None:
    found = trained(
        folder, "timed", options={"split": "time", "id": {"titles": str(folder / "items.csv")}},
        train={"epochs": 1, "allocator": "system"}, model={"name": "tf-idf"},
    )  # fmt: skip
    assert np.isfinite(found.metrics["test/ndcg@10"])


def test_parts_that_the_source_gives_are_judged_by_all_that_a_user_has_not_met(folder: Path) -> None:
    """Though ``split`` is items by default: what is held out here was met in training by others, and must stay a candidate."""
    lines = (folder / "events.csv").read_text(encoding="utf-8").splitlines()
    parts = ["train"] * 12 + ["val"] * 3 + ["test"] * 3  # of each user's eighteen
    rows = [f"{line},{parts[place % 18]}" for place, line in enumerate(lines[1:])]
    (folder / "given.csv").write_text("\n".join([f"{lines[0]},split", *rows]), encoding="utf-8")
    found = trained(folder, "given", data={"source": str(folder / "given.csv"), "split": {}})
    assert found.metrics["val/loss"] > 0
    for part in ("val", "test"):
        assert found.metrics[f"{part}/recall@10"] > 0.2  # ten of the 45 or so that are left, at random: the same


def test_without_a_table_nothing_is_known(folder: Path) -> None:
    with pytest.raises(DanluError, match=r"items\.csv"):
        trained(folder, "nothing", options={"id": {}})


def test_its_items_can_be_indexed_as_vectors(run: danlu.Run) -> None:
    model = danlu.load(run.path)
    made = model.catalogue()
    assert made is not None
    asked = made.ask("u3")
    scores = dict(zip(made.ids, (made.vectors @ asked.vector).tolist(), strict=True))
    answer = model.predict(["u3"])[0]["items"]
    best = sorted((name for name in scores if name not in asked.without), key=lambda name: -scores[name])
    assert [item["id"] for item in answer] == best[: len(answer)]
    assert [item["score"] for item in answer] == pytest.approx([scores[name] for name in best[: len(answer)]], rel=1e-4)
