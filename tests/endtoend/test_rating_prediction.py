"""Rating prediction from a table to answers without torch."""

from pathlib import Path

import numpy as np
import pytest

import danlu
from danlu.deploy.export import export
from danlu.deploy.loading import load

USERS, ITEMS = 50, 30


def test_ratings_are_learnt_and_an_artifact_answers_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kind, generous, taste, fits = (rng.normal(size=size) for size in (ITEMS, USERS, (USERS, 2), (ITEMS, 2)))
    lines = ["user,item,rating"]
    for user in range(USERS):
        for item in rng.permutation(ITEMS)[:20]:
            rating = 3 + 0.5 * generous[user] + 0.5 * kind[item] + taste[user] @ fits[item] + 0.1 * rng.normal()
            lines.append(f"u{user},i{item},{rating:.3f}")
    (tmp_path / "ratings.csv").write_text("\n".join(lines) + "\n")
    asked = {
        "task": "rating-prediction",
        "data": {"source": str(tmp_path / "ratings.csv"), "cache": str(tmp_path / "cache")},
        "run": {"folder": str(tmp_path), "name": "run"},
        "model": {"args": {"embedding": 4}},
        "train": {
            "epochs": 60, "batch_size": 64, "device": "cpu", "threads": 1,
            "optimizer": {"lr": 0.02, "weight_decay": 0.02}, "checkpoint": {"every_epochs": None},
        },
        "evaluate": {"report": False},
    }  # fmt: skip
    run = danlu.train(asked, screen=False)
    mean, biases = (run.baselines[name]["values"]["test/rmse"] for name in ("mean", "biases"))
    assert biases < mean
    assert run.metrics["test/rmse"] < biases - 0.2
    pairs = [{"user": "u1", "item": "i2"}, {"user": "nobody", "item": "i2"}, {"user": "u3", "item": "nothing"}]
    answers = load(run.path).predict(pairs)
    assert answers[1]["rating"] == answers[2]["rating"] != answers[0]["rating"]
    served = load(export(run.path, tmp_path / "artifact")).predict(pairs)
    for one, other in zip(answers, served, strict=True):
        assert one["rating"] == pytest.approx(other["rating"], abs=1e-4)
