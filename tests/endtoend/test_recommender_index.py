"""Items of a recommender in an index of embeddings: a user's nearest are what the run itself answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import danlu
from danlu.cli.main import main
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.lightgcn import Lightgcn
from danlu.nn.nets.neumf import Neumf
from danlu.nn.nets.sasrec import SASRec

USERS, ITEMS = 30, 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> danlu.Run:
    folder, draw = tmp_path_factory.mktemp("index"), np.random.default_rng(0)
    events = ["user,item,timestamp"]
    for user in range(USERS):
        events += [f"u{user},i{item},{draw.integers(1000, 9999)}" for item in draw.choice(ITEMS, 12, replace=False)]
    (folder / "events.csv").write_text("\n".join(events))
    (folder / "titles.csv").write_text("id,title\n" + "".join(f"i{item},Film {item}\n" for item in range(ITEMS)))
    recipe: dict[str, Any] = {
        "task": "item-recommendation",
        "data": {"source": str(folder / "events.csv"), "cache": str(folder / "cache")},
        "run": {"folder": str(folder), "name": "run"},
        "train": {"epochs": 3, "batch_size": 64, "device": "cpu", "threads": 1, "optimizer": {"lr": 0.05}},
        "model": {"args": {"biases": True}},
        "options": {"k": [7], "id": {"titles": str(folder / "titles.csv")}},
        "evaluate": {"report": False, "baselines": False},
        "watch": {"captures_every": 0},
    }
    return danlu.train(recipe, screen=False)


def _told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def test_a_users_nearest_are_what_the_run_answers(
    run: danlu.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "items")
    assert main(["index", "create", place, "--model", str(run.path), "--json"]) == 0
    assert _told(capsys)[-1] == {"added": ITEMS, "total": ITEMS, "failed": []}
    index = danlu.Index.open(place)
    assert (index.metric, index.ids[0], index.labels[0]) == ("inner", "i0", "Film 0")
    users = [f"u{user}" for user in range(0, USERS, 3)]
    assert main(["index", "search", place, *users, "nobody", "-k", "7", "--json"]) != 0, "one user is not known"
    found = {each["input"]: each["hits"] for each in _told(capsys) if "hits" in each}
    model = danlu.load(run.path)
    expected = model.predict(users)
    assert list(found) == users
    for name, answer in zip(users, expected, strict=True):
        assert [[hit["id"], hit["label"]] for hit in found[name]] == [item[:2] for item in answer["items"]]
        assert [hit["score"] for hit in found[name]] == pytest.approx([item[2] for item in answer["items"]], rel=1e-4)


def test_the_cosine_and_strange_users_are_refused(
    run: danlu.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "items")
    assert main(["index", "create", place, "--model", str(run.path), "--metric", "cosine"]) != 0
    assert "inner products" in capsys.readouterr().err
    assert not Path(place).exists()
    assert main(["index", "create", place, "--model", str(run.path)]) == 0
    assert main(["index", "search", place, "nobody"]) != 0
    told = "".join(capsys.readouterr())
    assert "danlu predict" in told
    assert "nobody: nobody" not in told
    assert main(["index", "search", place, "u1", "-k", "10001"]) != 0
    assert "10000" in "".join(capsys.readouterr())


def test_items_are_added_by_their_ids_and_users_are_not(
    run: danlu.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "items")
    assert main(["index", "create", place, "--model", str(run.path)]) == 0
    before = danlu.Index.open(place).search(np.ones(danlu.Index.open(place).dimensions), ITEMS)
    assert main(["index", "remove", place, "i3", "i4"]) == 0
    capsys.readouterr()
    assert main(["index", "add", place, "i4", "u1", "i3", "--json"]) != 0
    assert _told(capsys)[-1] == {"added": 2, "total": ITEMS, "failed": ["u1"]}
    assert danlu.Index.open(place).search(np.ones(danlu.Index.open(place).dimensions), ITEMS) == before


def test_items_that_are_named_are_the_only_ones(run: danlu.Run, tmp_path: Path) -> None:
    assert main(["index", "create", str(tmp_path / "some"), "--model", str(run.path), "i3", "i5"]) == 0
    assert danlu.Index.open(tmp_path / "some").ids == ("i3", "i5")


def _known() -> Interactions:
    draw = np.random.default_rng(1)
    user, item = np.nonzero(draw.random((USERS, ITEMS)) < 0.3)
    return Interactions(USERS, ITEMS, user, item, draw.integers(0, 3, len(user)), draw.permutation(len(user)))


@pytest.mark.parametrize("name", ["biased", "plain", "lightgcn", "sasrec"])
def test_products_of_the_vectors_are_the_scores(name: str) -> None:
    torch.manual_seed(0)
    made: dict[str, Any] = {
        "plain": lambda: CollaborativeFiltering(USERS, ITEMS, embedding=8),
        "biased": lambda: CollaborativeFiltering(USERS, ITEMS, embedding=8, biases=True),
        "lightgcn": lambda: Lightgcn(USERS, ITEMS, _known(), embedding=8),
        "sasrec": lambda: SASRec(USERS, ITEMS, _known(), width=8, length=6),
    }
    net = made[name]().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    users = torch.arange(USERS)
    with torch.no_grad():
        assert torch.allclose(net.of_users(users) @ net.of_items().T, net.every(users), atol=1e-4)


def test_scores_that_are_no_products_have_no_vectors() -> None:
    assert not hasattr(Neumf(USERS, ITEMS), "of_users")


@pytest.mark.parametrize("name", ["nobody", None, 3.5, ["u1"]])
def test_whoever_is_not_known_is_told_by_name(run: danlu.Run, name: Any) -> None:
    from danlu.errors import DataError
    from danlu.runs import predicting

    made = predicting.load(run.path).catalogue()
    assert made is not None
    with pytest.raises(DataError, match=r"nobody" if name == "nobody" else r"."):
        made.ask(name)
