"""Texts with sets of labels, end to end: training, thresholds, baselines, report, resume, artifact."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score

import danlu
from danlu.data.kinds.labels import Labels
from danlu.data.prepare import prepare
from danlu.data.text.scripts import words as cut
from danlu.recipe import complete, from_dict
from danlu.recipe.names import spec_of
from danlu.runs import resume
from danlu.runs.predicting import RunPredictor
from danlu.tasks.baselines.base import Sample
from danlu.tasks.baselines.tfidf_labels import TfidfLabels
from tests.endtoend.pairs import Keeper

COMMON = ["a", "film", "of", "the", "year", "in", "which", "somebody", "goes", "home", "with", "one", "more", "friend"]
TELLING = {"crime": ["robbery", "detective"], "love": ["kiss", "wedding"], "war": ["soldier", "battle"]}


def films(count: int = 260) -> list[tuple[str, list[str]]]:
    draws = random.Random(0)
    rows = []
    for number in range(count):
        labels = [name for name, share in zip(TELLING, (0.5, 0.4, 0.15), strict=True) if draws.random() < share]
        words = draws.choices(COMMON, k=draws.randint(6, 16)) + [draws.choice(TELLING[each]) for each in labels]
        words.append(f"title{number}")
        draws.shuffle(words)
        rows.append((" ".join(words), labels))
    return rows


def recipe(source: Path, runs: Path, name: str = "films", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task": "text-multi-label",
        "seed": 3,
        "run": {"folder": str(runs), "name": name},
        "data": {"source": str(source), "text": {"min_count": 1}, "split": {"val": 0.25, "test": 0.25}},
        "model": {"name": "bag", "args": {"ngrams": 1, "embedding": 16}},
        "train": {"epochs": 15, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 0.05}, "threads": 1},
    }
    for key, value in more.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "films.jsonl"
    path.write_text("\n".join(json.dumps({"text": t, "labels": n}) for t, n in films()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(recipe(source, tmp_path_factory.mktemp("runs")), screen=False)


def test_it_learns_and_is_judged_as_scikit_learn_does(run: Any) -> None:
    table = pq.read_table(run.path / "predictions" / "test.parquet")
    score, found, true = (np.asarray(table[name].to_pylist()) for name in ("probability", "labels", "true/labels"))
    assert run.metrics["test/map"] == pytest.approx(average_precision_score(true, score, average="macro"))
    assert run.metrics["test/macro-f1"] == pytest.approx(f1_score(true, found, average="macro"))
    assert run.metrics["test/map"] > 0.9
    offsets = json.loads((run.path / "thresholds.json").read_text())["offsets"]
    logits = np.log(score) - np.log1p(-score)
    assert np.array_equal(found, logits + np.asarray(offsets) > 0)


def test_baselines_stand_beside_it(run: Any) -> None:
    assert set(run.baselines) == {"frequent", "tfidf"}
    assert run.baselines["frequent"]["values"]["test/auc"] == pytest.approx(0.5)
    assert run.baselines["tfidf"]["differences"]["test/map"]["interval"] is not None


def test_the_report_shows_words_of_labels_and_labels(run: Any) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert 'id="labels"' in page
    assert ('id="words"' in page) == (run.metrics["test/subset-accuracy"] < 1)


def test_what_is_answered_by_an_artifact(run: Any, tmp_path: Path) -> None:
    folder = danlu.export(run, tmp_path / "artifact")
    texts = ["a detective at the wedding", "one soldier goes home", "robbery 酒店 😀"]
    mine, other = danlu.load(folder).predict(texts), danlu.load(run.path).predict(texts)
    for one, two in zip(mine, other, strict=True):
        assert one["labels"] == two["labels"]
        assert dict(one["top"]) == pytest.approx(dict(two["top"]), abs=1e-4)
    assert {"crime", "love"} <= set(mine[0]["labels"])


def test_words_of_each_label(run: Any) -> None:
    from danlu.evaluation.explain.words import words

    trained = RunPredictor(run.path)
    kind = trained.kinds["labels"]
    assert isinstance(kind, Labels)
    for label, word in (("crime", "robbery"), ("love", "kiss")):
        one = words(trained, ["a robbery in the year of one kiss"], kind.classes.index(label))[0]
        assert one.target == label
        assert one.pieces[int(np.argmax(one.weights))] == word


def test_columns_of_0_and_1_are_the_same_labels(source: Path, run: Any, tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    lines = ["text," + ",".join(TELLING)]
    lines += [f"{text}," + ",".join(str(int(name in labels)) for name in TELLING) for text, labels in films()]
    path.write_text("\n".join(lines), encoding="utf-8")
    asked = recipe(path, tmp_path, data={"source": str(path), "columns": {"labels": list(TELLING)}})
    spec = spec_of("text-multi-label")
    one, other = (
        prepare(complete(from_dict(each)), spec) for each in (recipe(source, tmp_path), asked)
    )  # the classes are sorted in one, in the order of the columns in the other
    assert one.kinds["labels"].classes == other.kinds["labels"].classes  # type: ignore[attr-defined]
    everything = np.arange(len(one))
    assert np.array_equal(one.store.gather("labels", everything), other.store.gather("labels", everything))


def test_the_baseline_is_scikit_learns() -> None:
    rows = films(120)
    texts = np.empty(len(rows), object)
    texts[:] = [text for text, _ in rows]
    targets = np.asarray([[name in labels for name in TELLING] for _, labels in rows], np.uint8)
    targets[:, 2] = 0  # a label that nobody has
    whole = Sample({"text": texts}, {}, {"labels": targets}, {}, np.arange(len(rows)))
    train, test = whole.take(np.arange(80)), whole.take(np.arange(80, 120))
    baseline = TfidfLabels("labels", 3, ("text",), solid=False)
    baseline.fit(train, whole.take(np.empty(0, np.int64)), 40, lambda done, total: None)
    found = baseline.predict(test, lambda done, total: None)
    vectors = TfidfVectorizer(tokenizer=cut, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    values = vectors.fit_transform(texts[:80])
    for label in range(2):
        model = LogisticRegression(C=4.0, tol=1e-3).fit(values, targets[:80, label])
        wanted = model.predict_proba(vectors.transform(texts[80:]))[:, 1]
        assert found["probability"][:, label] == pytest.approx(wanted, abs=1e-4)
        assert np.array_equal(found["labels"][:, label], wanted > 0.5)
    assert found["probability"][:, 2].max() < 1e-9


def test_resumed_it_has_the_same_bits(source: Path, tmp_path: Path) -> None:
    train = {
        "epochs": 2, "batch_size": 8, "tokens": 200, "accumulate": 2, "threads": 1, "max_steps": 12,
        "optimizer": {"name": "adamw", "lr": 0.01},
        "checkpoint": {"every_steps": 5, "every_minutes": None, "every_epochs": None},
    }  # fmt: skip
    model = {"name": "text-classifier", "args": {"embedding": 8, "hidden": 8, "bidirectional": True, "dropout": 0.1}}
    asked = recipe(source, tmp_path / "runs", model=model, train=train, evaluate={"baselines": False, "report": False})
    asked["data"]["balance"] = "class-weights"
    whole = danlu.train(asked, screen=Keeper(5, tmp_path / "cut"))
    again = resume(tmp_path / "cut", screen=False)
    one, other = (RunPredictor(path, use="last").net.state_dict() for path in (whole.path, again.path))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert whole.metrics == again.metrics
