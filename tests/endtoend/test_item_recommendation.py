"""Item recommendation from a table of events to answers without torch."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import danlu
from danlu import recipe as recipes
from danlu.deploy.export import export
from danlu.deploy.loading import load
from danlu.errors import DanluError
from danlu.recipe.names import spec_of
from danlu.runs.assembling import assemble
from danlu.runs.run import Run
from danlu.training import checkpoint
from danlu.training.loop import fit
from danlu.training.plan import CheckpointPolicy

USERS, ITEMS, EACH = 40, 24, 12


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users like the items of their own third, and rate them; some pairs come twice."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("events") / "events.csv"
    lines = ["user_id,movie_id,stars,timestamp"]
    for user in range(USERS):
        liking = np.where(np.arange(ITEMS) % 3 == user % 3, 6.0, 0.0) + rng.gumbel(size=ITEMS)
        for item in np.argsort(-liking)[:EACH]:
            stars = 4 + rng.integers(2) if item % 3 == user % 3 else 1 + rng.integers(3)
            lines += [f"u{user},i{item},{stars},{1_000_000 + rng.integers(10**6)}"] * (2 if item == user % ITEMS else 1)
    path.write_text("\n".join(lines) + "\n")
    (path.parent / "movies.csv").write_text("id,title\n" + "".join(f"i{item},Film {item}\n" for item in range(ITEMS)))
    return path


def recipe(events: Path, folder: Path, **further: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task": "item-recommendation",
        "data": {"source": str(events), "cache": str(folder / "cache")},
        "run": {"folder": str(folder), "name": "run"},
        "train": {"epochs": 6, "batch_size": 64, "device": "cpu", "threads": 1, "optimizer": {"lr": 0.02}},
        "options": {"split": "random", "k": [5], "id": {"titles": str(events.parent / "movies.csv")}},
        "evaluate": {"report": False},
    }
    for key, value in further.items():
        section, _, name = key.partition("__")
        made[section][name] = value
    return made


@pytest.fixture(scope="module")
def run(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return danlu.train(recipe(events, tmp_path_factory.mktemp("runs"), evaluate__report=True), screen=False)


def test_taste_is_learnt_and_told_beside_what_is_simple(run: Run) -> None:
    metrics = run.metrics
    assert metrics["test/ndcg@5"] > run.baselines["popularity"]["values"]["test/ndcg@5"] + 0.1
    assert {"popularity", "item-knn", "ease"} == set(run.baselines)
    assert metrics["test/coverage@5"] > 0.5
    low, high = run.intervals["test/ndcg@5"]
    assert low < metrics["test/ndcg@5"] < high
    told = run.baselines["ease"]["differences"]["test/ndcg@10"]
    assert told["interval"] is not None
    assert told["samples"] == USERS
    assert (run.path / "report.html").is_file()


def test_the_card_tells_of_users_and_items_and_no_pair_is_in_two_parts(run: Run) -> None:
    card = json.loads((run.path / "data" / "card.json").read_text())
    facts = card["facts"]
    assert (facts["users"], facts["items"], facts["cold_items_test"]) == (USERS, ITEMS, 0)
    assert facts["density"] == pytest.approx(EACH / ITEMS)
    assert facts["repeated"] > 0
    assert card["split"]["how"] == "random for each user"
    assert not any("leak" in warning for warning in card["warnings"])
    data = run.data
    assert data is not None
    whole = {part: set(_pairs(data, rows)) for part, rows in data.parts.items()}
    assert not whole["train"] & whole["test"]
    assert not whole["train"] & whole["val"]
    assert not whole["val"] & whole["test"]


def test_what_was_met_is_not_recommended_and_an_artifact_answers_alike(run: Run, events: Path, tmp_path: Path) -> None:
    users = [f"u{user}" for user in range(USERS)] + ["somebody new"]
    answers = load(run.path).predict(users)
    met: dict[str, set[str]] = {}
    for line in events.read_text().splitlines()[1:]:
        user, item, *_ = line.split(",")
        met.setdefault(user, set()).add(item)
    for user, answer in zip(users, answers, strict=True):
        shown = [item for item, title, score in answer["items"]]
        assert len(shown) == 5
        assert not met.get(user, set()) & set(shown)
        assert answer["known"] == (user in met)
        assert answer["items"][0][1] == "Film " + answer["items"][0][0][1:]
    folder = export(run.path, tmp_path / "artifact")
    served = load(folder).predict(users)
    for one, other in zip(answers, served, strict=True):
        assert [item for item, *_ in one["items"]] == [item for item, *_ in other["items"]]


@pytest.mark.parametrize("model", ["ease", "lightgcn", "neumf", "sasrec"])
def test_other_nets_train_and_pass_the_gate(model: str, events: Path, tmp_path: Path) -> None:
    asked = recipe(events, tmp_path, train__epochs=1, evaluate__baselines=False)
    found = danlu.train({**asked, "model": {"name": model}}, screen=False)
    export(found.path, tmp_path / "artifact")
    assert np.isfinite(found.metrics["test/ndcg@5"])


@pytest.mark.parametrize("optimizer", ["rowwise-adagrad", "sparse-adam"])
def test_sparse_gradients_resume_bit_for_bit(optimizer: str, events: Path, tmp_path: Path) -> None:
    asked = recipe(events, tmp_path)
    asked["train"] |= {"epochs": 4, "optimizer": {"name": optimizer, "lr": 0.05}, "clip_norm": 1.0}
    _resumes(asked, tmp_path)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_neumf_resumes_bit_for_bit(precision: str, events: Path, tmp_path: Path) -> None:
    """With so many values dropped that another generator draws."""
    asked = recipe(events, tmp_path)
    asked["model"] = {"name": "neumf", "args": {"hidden": [128, 32]}}
    asked["train"] |= {"epochs": 4, "batch_size": 64, "precision": precision}
    _resumes(asked, tmp_path)


def _resumes(asked: dict[str, Any], tmp_path: Path) -> None:
    whole = _learnt(asked, tmp_path / "whole", resume=False)
    shutil.copytree(tmp_path / "whole", tmp_path / "half")
    for path in checkpoint.listed(tmp_path / "half")[2:]:
        shutil.rmtree(path)
    ended = _learnt(asked, tmp_path / "half", resume=True)
    assert whole.keys() == ended.keys()
    assert all(torch.equal(whole[name], ended[name]) for name in whole)


def test_later_events_are_judged_where_times_are_known(events: Path, tmp_path: Path) -> None:
    asked = recipe(events, tmp_path, train__epochs=1, evaluate__baselines=False)
    asked["options"]["split"] = "auto"
    found = danlu.train(asked, screen=False)
    data = found.data
    assert data is not None
    times = {part: np.asarray(data.store.gather("time", rows)) for part, rows in data.parts.items()}
    assert times["train"].max() <= times["val"].min()
    assert times["val"].max() <= times["test"].min()


def test_what_contradicts_is_refused(events: Path, tmp_path: Path) -> None:
    asked = recipe(events, tmp_path)
    asked["options"]["sparse"] = True
    with pytest.raises(DanluError, match=r"rowwise-adagrad"):
        danlu.train(asked, screen=False)
    asked = recipe(events, tmp_path)
    with pytest.raises(DanluError, match=r"collaborative-filtering"):
        danlu.train({**asked, "model": {"name": "resnet"}}, screen=False)


def _pairs(data: Any, rows: np.ndarray) -> list[tuple[int, int]]:
    columns = [np.asarray(data.store.gather(name, rows)).reshape(-1).tolist() for name in ("user", "item")]
    return list(zip(*columns, strict=True))


def _learnt(asked: dict[str, Any], folder: Path, resume: bool) -> dict[str, torch.Tensor]:
    complete = recipes.complete(recipes.given(asked, {}))
    made = assemble(complete, spec_of(complete.task))
    if complete.model.name == "collaborative-filtering":
        assert made.net.scorer.item_embeddings.sparse  # type: ignore[union-attr]
    plan = replace(made.plan, checkpoint=CheckpointPolicy(folder, every_epochs=1, keep=9))
    fit(made.net, made.objective, made.batches, plan, resume=resume)
    return made.net.state_dict()


def test_a_sequence_is_refused_without_times_and_leaves_the_last_one_out(events: Path, tmp_path: Path) -> None:
    untimed = events.parent / "untimed.csv"
    untimed.write_text("\n".join(line.rpartition(",")[0] for line in events.read_text().splitlines()))
    asked = {**recipe(untimed, tmp_path, evaluate__baselines=False), "model": {"name": "sasrec"}}
    with pytest.raises(DanluError, match="sasrec"):
        danlu.train(asked, screen=False)
    asked = recipe(events, tmp_path, train__epochs=1, options__split="leave-one-out", evaluate__baselines=False)
    small = {"name": "sasrec", "args": {"width": 16, "length": 8, "layers": 1}}
    found = danlu.train({**asked, "run": {"folder": str(tmp_path), "name": "last"}, "model": small}, screen=False)
    assert np.isfinite(found.metrics["test/ndcg@5"])


def test_a_loss_that_no_row_carries_is_not_told_as_nan(events: Path, tmp_path: Path) -> None:
    """The source says what is validated: items that nobody met in training have no score, and so no loss."""
    lines = ["user,item,split"]
    lines += [f"u{user},i{(user + step) % 12},train" for user in range(12) for step in range(6)]
    lines += [f"u{user},new{user},{part}" for user in range(12) for part in ("val", "test")[user % 2 : user % 2 + 1]]
    source = tmp_path / "parts.csv"
    source.write_text("\n".join(lines))
    told: list[dict[str, float]] = []
    further = {"train__epochs": 1, "data__source": str(source), "options__id": {}}
    found = danlu.train(recipe(events, tmp_path, **further), screen=False)
    for line in (Path(found.path) / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event.get("event", event.get("type")) in ("evaluated", "Evaluated"):
            told.append(event["values"])
    assert told
    assert not any("val/loss" in values or "test/loss" in values for values in told)
    assert any("val/ndcg@10" in values for values in told)
    assert "test/loss" not in found.metrics


@pytest.mark.parametrize("artifact", [False, True])
def test_a_file_is_asked_by_the_names_that_it_was_learnt_from(events: Path, tmp_path: Path, artifact: bool) -> None:
    source = tmp_path / "events.csv"
    source.write_text(events.read_text().replace("user_id,movie_id,stars", "kunde,ware,note", 1))
    named = {"columns": {"user": "kunde", "item": "ware", "rating": "note"}}
    made = recipe(events, tmp_path, train__epochs=1, evaluate__baselines=False)
    made["data"] |= {"source": str(source), **named}
    found = danlu.train(made, screen=False)
    path = export(found) if artifact else found.path
    asked, usual = tmp_path / "ask.csv", tmp_path / "usual.csv"
    asked.write_text("kunde\nu3\nnobody\n")
    usual.write_text("user\nu3\nnobody\n")
    from danlu.deploy.loading import predict

    def items(answers: Any) -> list[tuple[list[str], bool]]:
        return [
            ([one["id"] if isinstance(one, dict) else one[0] for one in each["items"]], each["known"])
            for each in answers
        ]

    expected = items(load(path).predict(["u3", "nobody"]))
    assert [known for _, known in expected] == [True, False]
    for file in (asked, usual):
        assert items(predict(path, [str(file)])) == expected


@pytest.mark.parametrize("liked", [None, 4.0])
def test_an_event_without_a_rating_was_met_all_the_same(events: Path, tmp_path: Path, liked: float | None) -> None:
    """It is known, so never recommended; with ``liked`` nothing is learnt from it. No figure is NaN."""
    lines = events.read_text().splitlines()
    gaps = [line.rsplit(",", 2) for line in lines[1:]]
    kept = [f"{head},{'' if place % 3 == 0 else stars},{when}" for place, (head, stars, when) in enumerate(gaps)]
    source = tmp_path / "gaps.csv"
    source.write_text("\n".join([lines[0], *kept]))
    made = recipe(events, tmp_path, train__epochs=2, data__source=str(source), evaluate__baselines=False)
    made["options"]["liked"] = liked
    found = danlu.train(made, screen=False)
    card = json.loads((Path(found.path) / "data" / "card.json").read_text())
    assert card["rows"]["used"] == len(kept)
    assert card["rows"]["missing"] == 0
    assert np.isfinite(card["columns"]["rating"]["statistics"]["mean"])
    assert all(np.isfinite(value) for name, value in found.metrics.items() if name.startswith("test/ndcg"))
    met: dict[str, set[str]] = {}
    for line in kept:
        user, item = line.split(",")[:2]
        met.setdefault(user, set()).add(item)
    for user, answer in zip(met, danlu.load(found.path).predict(list(met)), strict=True):
        assert not met[user] & {one["id"] if isinstance(one, dict) else one[0] for one in answer["items"]}
