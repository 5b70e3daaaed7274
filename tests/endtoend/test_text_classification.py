"""Texts become a classifier: words of training rows alone, copies on one side, the same bits resumed, the same answers exported."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import danlu
from danlu.data.kinds.text import Text
from danlu.data.prepare import prepare
from danlu.errors import DataError, RecipeError
from danlu.evaluation.explain.words import words
from danlu.recipe import complete, from_dict
from danlu.recipe.names import spec_of
from danlu.runs import resume
from danlu.runs.predicting import RunPredictor
from danlu.tasks.text_input import text_net
from tests.endtoend.pairs import Keeper

COMMON = ["the", "room", "was", "near", "a", "lake", "and", "we", "had", "one", "more", "week", "of", "rain"]
TELLING = {"good": ["lovely", "great", "friendly"], "bad": ["awful", "dirty", "rude"]}


def write_reviews(path: Path, count: int = 160, copies: int = 20, seed: int = 0) -> None:
    """Rows of text and label; the last ``copies`` are earlier ones again, half of them with one letter more."""
    draws = random.Random(seed)
    rows = []
    for number in range(count):
        label = "good" if draws.random() < 0.6 else "bad"
        words = draws.choices(COMMON, k=draws.randint(6, 24)) + draws.choices(TELLING[label], k=2) + [f"only{number}"]
        draws.shuffle(words)
        rows.append((" ".join(words), label))
    rows += [(text + ("!" if turn % 2 else ""), label) for turn, (text, label) in enumerate(rows[:copies])]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def recipe(source: Path, runs: Path, name: str = "texts", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task": "text-classification",
        "seed": 3,
        "run": {"folder": str(runs), "name": name},
        "data": {"source": str(source), "text": {"min_count": 1}},
        "model": {"name": "bag", "args": {"buckets": 500, "embedding": 16}},
        "train": {"epochs": 6, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 0.03}, "threads": 1},
    }
    for key, value in more.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    write_reviews(path)
    return path


@pytest.fixture(scope="module")
def run(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(recipe(reviews, tmp_path_factory.mktemp("runs")), screen=False)


def test_learns_what_tells(run: Any) -> None:
    assert run.status == "finished"
    assert run.metrics["test/accuracy"] > 0.85
    assert set(run.baselines) == {"majority", "tfidf"}


def test_words_of_other_parts_are_not_learnt(run: Any, reviews: Path) -> None:
    kind = RunPredictor(run.path).kinds["text"]
    assert isinstance(kind, Text)
    parts = dict(zip(*pq.read_table(RunPredictor(run.path).folder.membership).to_pydict().values(), strict=True))
    rows = prepare(complete(from_dict(recipe(reviews, run.path.parent))), spec_of("text-classification"))
    known = set(kind.words.vocabulary)  # type: ignore[attr-defined]
    texts = [row[0] for row in csv.reader(reviews.open(encoding="utf-8"))][1:]
    for name, origin in zip(rows.ids, rows.origins, strict=True):
        text = texts[int(origin.rpartition(" ")[2]) - 2]
        own = next(word for word in text.rstrip("!").split() if word.startswith("only"))
        assert (own in known) == (parts[name] == "train"), own


def test_copies_and_near_copies_are_on_one_side(run: Any) -> None:
    card = json.loads((run.path / "data" / "card.json").read_text(encoding="utf-8"))
    near = card["duplicates"]["near"]
    assert (card["duplicates"]["groups"], near["groups"]) == (10, 20)
    assert near["leaks"]["groups"] == {}
    claimed = json.loads((run.path / "claimed.json").read_text(encoding="utf-8"))
    assert claimed["near"] == 40
    assert claimed["metric"] == "test/accuracy"


def test_kept_where_they_lie_they_leak(reviews: Path, tmp_path: Path) -> None:
    asked = recipe(reviews, tmp_path, data={"source": str(reviews), "duplicates": "keep"})
    card = prepare(complete(from_dict(asked)), spec_of("text-classification")).card
    assert card["duplicates"]["leaks"]["groups"]
    dropped = recipe(reviews, tmp_path, data={"source": str(reviews), "duplicates": "drop"})
    assert (
        prepare(complete(from_dict(dropped)), spec_of("text-classification")).card["rows"]["duplicates_dropped"] == 20
    )


def test_the_report_shows_words_and_claims(run: Any) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert 'id="words"' in page
    assert 'id="duplicates"' in page


TRANSFORMER = {"name": "text-transformer", "args": {"width": 16, "heads": 2, "layers": 1}}


@pytest.mark.parametrize(
    ("model", "tokens"), [(TRANSFORMER, None), (TRANSFORMER, 200), ({"name": "ngrams", "args": {}}, None)]
)
def test_resumed_it_has_the_same_bits(reviews: Path, tmp_path: Path, model: dict[str, Any], tokens: int | None) -> None:
    train = {
        "epochs": 2, "batch_size": 8, "tokens": tokens, "accumulate": 2, "threads": 1, "max_steps": 16,
        "optimizer": {"name": "adamw", "lr": 0.01},
        "checkpoint": {"every_steps": 7, "every_minutes": None, "every_epochs": None},
    }  # fmt: skip
    asked = recipe(reviews, tmp_path / "runs", model=model, train=train, evaluate={"baselines": False, "report": False})
    whole = danlu.train(asked, screen=Keeper(7, tmp_path / "cut"))
    again = resume(tmp_path / "cut", screen=False)
    one, other = (RunPredictor(path, use="last").net.state_dict() for path in (whole.path, again.path))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert whole.metrics == again.metrics


NETS: dict[str, dict[str, Any]] = {
    "ngrams": {"name": "ngrams", "args": {"embedding": 8, "longest": 3, "grams": 200}},
    "cnn": {"name": "text-cnn", "args": {"embedding": 8, "filters": 6}},
    "transformer": {"name": "text-transformer", "args": {"width": 16, "heads": 2, "layers": 1}},
    "lstm": {"name": "text-classifier", "args": {"embedding": 8, "hidden": 6, "bidirectional": True, "layers": 2}},
    "gru": {"name": "text-classifier", "args": {"embedding": 8, "hidden": 6, "cell": "gru", "pool": "attention"}},
    "rnn": {"name": "text-classifier", "args": {"embedding": 8, "hidden": 6, "cell": "rnn", "pool": "mean"}},
}


@pytest.mark.parametrize(
    "name",
    [
        "bag",
        *(pytest.param(each, marks=() if each in ("ngrams", "lstm") else pytest.mark.slow) for each in NETS),
    ],
)
def test_exported_it_answers_alike_without_torch(run: Any, reviews: Path, tmp_path: Path, name: str) -> None:
    trained = run
    if name != "bag":
        few = {"epochs": 1, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 0.01}}
        quiet = {"baselines": False, "report": False}
        trained = danlu.train(recipe(reviews, tmp_path, model=NETS[name], train=few, evaluate=quiet), screen=False)
    folder = danlu.export(trained, tmp_path / "artifact")
    texts = ["a lovely room, friendly!", "AWFUL and dirty", "酒店 😀 rain"]
    code = (
        "import danlu, json, sys\n"
        f"print(json.dumps(danlu.load({str(folder)!r}).predict({texts!r})))\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for mine, theirs in zip(danlu.load(trained.path).predict(texts), json.loads(done.stdout), strict=True):
        assert mine["label"] == theirs["label"]
        assert mine["probability"] == pytest.approx(theirs["probability"], abs=1e-4)


def test_what_a_text_is_not_is_told_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows: list[dict[str, Any]] = [{"text": f"text {n} lovely", "label": n % 2} for n in range(40)]
    rows[3]["text"], rows[5]["text"], rows[7]["text"] = "", ["no", "text"], "nul\x00inside"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked = recipe(path, tmp_path, data={"source": str(path), "max_bad": 0.2, "text": {"min_count": 1, "near": None}})
    card = prepare(complete(from_dict(asked)), spec_of("text-classification")).card
    assert [one["row"] for one in card["bad"]] == ["rows.jsonl, line 6"]
    assert [one["row"] for one in card["missing"]["rows"]] == ["rows.jsonl, line 4"]
    assert any("control" in one["note"] for one in card["notes"])


def test_a_missing_column_is_told_with_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("words_said,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="words_said"):
        prepare(complete(from_dict(recipe(path, tmp_path))), spec_of("text-classification"))


def test_nets_that_take_no_texts_are_refused(reviews: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not take texts"):
        danlu.train(recipe(reviews, tmp_path, model={"name": "mlp", "args": {}}), screen=False)


def test_words_add_up_to_the_difference_of_the_logits(run: Any) -> None:
    found = words(RunPredictor(run.path), ["one lovely lovely week of rain", "the rude room"])
    for one, telling in zip(found, ("lovely", "rude"), strict=True):
        assert one.gap < 1e-3  # a bag is linear
        strongest = one.pieces[int(np.argmax(one.weights))]
        assert strongest == telling


def test_the_default_net_learns_by_what_suits_it(reviews: Path, tmp_path: Path) -> None:
    """Other nets keep the application's own optimiser, and what the user says stands before both."""
    made = recipe(reviews, tmp_path)
    del made["model"], made["train"]
    plain = complete(from_dict(made))
    assert (plain.model.name, plain.train.optimizer.name, plain.train.epochs) == ("ngrams", "sgd", 8)
    assert plain == complete(plain)
    other = complete(from_dict({**made, "model": {"name": "text-cnn"}}))
    assert (other.train.optimizer.name, other.train.epochs) == ("adamw", 10)
    own = complete(from_dict({**made, "train": {"epochs": 2, "optimizer": {"name": "adamw"}}}))
    assert (own.train.optimizer.name, own.train.optimizer.lr, own.train.epochs) == ("adamw", 1e-3, 2)
    run = danlu.train({**made, "evaluate": {"report": False}, "watch": {"captures_every": 0}}, screen=False)
    assert run.metrics["test/accuracy"] > 0.85
    found = words(RunPredictor(run.path), ["one lovely lovely week of rain", "the rude room"])
    for one, telling in zip(found, ("lovely", "rude"), strict=True):
        assert one.gap < 0.02
        assert one.pieces[int(np.argmax(one.weights))] == telling


def test_only_training_rows_labels_say_what_tells_of_the_classes(reviews: Path, tmp_path: Path) -> None:
    made = complete(from_dict(recipe(reviews, tmp_path, model=NETS["ngrams"])))
    data = prepare(made, spec_of("text-classification"))
    labels = data.store.gather("label", np.arange(len(data.store)))
    gather = data.store.gather

    def told(changed: np.ndarray) -> torch.Tensor:
        other = labels.copy()
        other[changed] = 1 - other[changed]
        taking = patch.object(
            data.store, "gather", lambda name, rows: other[rows] if name == "label" else gather(name, rows)
        )
        with taking:
            net: Any = text_net(made, data, "text", 2, labels="label")
        assert isinstance(net.told, torch.Tensor)
        return net.told

    train, held = data.parts["train"], np.concatenate([data.parts["val"], data.parts["test"]])
    assert len(held) > 10
    whole = told(np.empty(0, np.int64))
    assert torch.equal(told(held), whole)
    assert not torch.equal(told(train[:3]), whole)
