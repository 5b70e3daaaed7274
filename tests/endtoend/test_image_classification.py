"""A folder of pictures becomes a model: train, resume, evaluate, predict, all through the public functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow.parquet as pq
import pytest
import torch

import danlu
from danlu.errors import DanluError
from danlu.training import checkpoint
from tests.endtoend.drawn import SHAPES, folder_of_shapes


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_shapes(tmp_path_factory.mktemp("photos") / "shapes")


def recipe(photos: Path, runs: Path, **train: Any) -> dict[str, Any]:
    return {
        "task": "image-classification",
        "run": {"folder": str(runs), "name": "shapes"},
        "data": {"source": str(photos), "split": {"val": 0.2, "test": 0.2}, "augment": ["flip", {"mixup": 0.2}]},
        "model": {"args": {"width": 8}},
        "train": {"epochs": 3, "batch_size": 16, "ema": 0.9, "accumulate": 2, **train},
    }


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    runs = tmp_path_factory.mktemp("runs")
    learning = recipe(photos, runs, epochs=15, accumulate=1, ema=None)
    learning["data"]["augment"] = ["flip"]
    return danlu.train(learning, screen=False)


def test_it_learns_and_says_how_sure_it_is(run: Any) -> None:
    assert run.status == "finished"
    low, high = run.intervals["test/accuracy"]
    assert low < run.metrics["test/accuracy"] <= high
    assert run.metrics["test/accuracy"] > 0.7


def test_everything_is_in_the_folder(run: Any) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert {"recipe.yaml", "environment.json", "events.jsonl", "data", "checkpoints", "best", "predictions"} <= names
    assert isinstance(run.recipe, danlu.Recipe)
    card = json.loads((run.path / "data" / "card.json").read_text())
    assert json.dumps(card)
    table = pq.read_table(run.path / "predictions" / "test.parquet").to_pydict()
    right = [true == found for true, found in zip(table["true/label"], table["label"], strict=True)]
    assert sum(right) / len(right) == pytest.approx(run.metrics["test/accuracy"])
    assert len(set(table["id"])) == len(table["id"])
    split = pq.read_table(run.path / "data" / "split.parquet").to_pydict()
    tested = {name for name, part in zip(split["id"], split["part"], strict=True) if part == "test"}
    assert tested == set(table["id"])
    assert len(set(split["id"])) == len(split["id"]) == 120


def test_evaluate_gives_the_same_figures(run: Any) -> None:
    again = danlu.runs.evaluate(run.path, "test")
    assert again["values"]["test/accuracy"] == run.metrics["test/accuracy"]
    assert again["samples"] == 24


def test_evaluate_on_other_data(run: Any, tmp_path: Path) -> None:
    other = folder_of_shapes(tmp_path / "others", each=10, seed=5)
    found = danlu.runs.evaluate(run.path, "test", str(other))
    assert found["samples"] == 30
    assert found["values"]["test/accuracy"] > 0.6


def test_predict_raw_files(run: Any, photos: Path, tmp_path: Path) -> None:
    answers = danlu.load(run.path).predict([photos / "circle" / "1.png", photos / "square" / "2.png"])
    assert [answer["label"] in SHAPES for answer in answers] == [True, True]
    assert sum(p for _, p in answers[0]["top"]) == pytest.approx(1.0, abs=1e-4)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG nothing")
    streamed = list(danlu.runs.predict(run.path, [broken, photos / "cross" / "0.png"]))
    assert "error" in streamed[0]
    assert "label" in streamed[1]
    with pytest.raises(DanluError):
        danlu.load(run.path).predict([broken])


def test_an_interrupted_run_resumes_to_the_same_bits(photos: Path, tmp_path: Path) -> None:
    whole = danlu.train(recipe(photos, tmp_path / "a", checkpoint={"every_steps": 2, "keep": 100}), screen=False)
    cut = danlu.train(recipe(photos, tmp_path / "b", checkpoint={"every_steps": 2, "keep": 100}), screen=False)
    saved = checkpoint.listed(cut.path / "checkpoints")
    for path in saved[2:]:
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    resumed = danlu.runs.resume(cut.path, screen=False)
    assert resumed.metrics == whole.metrics
    last = [checkpoint.load(checkpoint.listed(r.path / "checkpoints")[-1]) for r in (whole, resumed)]
    for group, tensors in last[0].tensors.items():
        assert all(torch.equal(value, last[1].tensors[group][name]) for name, value in tensors.items())


def test_check_prints_the_loop_without_training(photos: Path, tmp_path: Path) -> None:
    checked = danlu.check(danlu.recipe.from_dict(recipe(photos, tmp_path)))
    slots = dict(checked.slots)
    assert "cross-entropy" in slots["objective"]
    assert "accumulate 2" in slots["gradients"]
    assert "EMA 0.9" in slots["followers"]
    assert any("micro-batches" in text for text in checked.warnings)
    assert not list(tmp_path.iterdir())


def test_a_taken_name_is_refused(photos: Path, run: Any) -> None:
    with pytest.raises(DanluError, match="already there"):
        danlu.train(recipe(photos, run.path.parent), screen=False)


@pytest.mark.parametrize("change", [
    {"data": {"balance": "class-weights"}},
    {"data": {"balance": "sampler"}},
    {"data": {"storage": "stream", "workers": 2}},
    {"data": {"storage": "encoded"}},
    {"model": {"name": "image-classifier", "args": {}}},
    {"model": {"name": "mlp", "args": {}}},
    {"model": {"name": "timm:resnet10t", "args": {}}},
    {"model": {"name": "torchvision:mobilenet_v3_small", "args": {}}},
    {"train": {"loss": {"focal": {"gamma": 1.5}}, "optimizer": "rmsprop", "schedule": "cosine"}},
    {"train": {"optimizer": {"name": "adamw", "lr": "auto"}, "warmup": 0.2, "clip_norm": 1.0, "l1": 1e-5}},
])  # fmt: skip
def test_techniques_by_one_line(photos: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    base = recipe(photos, tmp_path)
    base["data"]["augment"] = ["flip"]
    for section, values in change.items():
        base[section] = base[section] | values
    base["train"]["epochs"] = 1
    run = danlu.train(base, screen=False)
    assert run.status == "finished"
    assert 0.0 <= run.metrics["test/accuracy"] <= 1.0


def test_what_was_set_aside_is_said(tmp_path: Path) -> None:
    folder = folder_of_shapes(tmp_path / "shapes", each=20)
    (folder / "circle" / "broken.png").write_bytes(b"")
    (folder / "cross" / "text.jpg").write_text("not an image")
    PIL.Image.new("CMYK", (24, 24)).save(folder / "square" / "print.jpg")
    checked = danlu.check(danlu.recipe.from_dict(recipe(folder, tmp_path / "runs")))
    assert any(text.startswith("Mended in 1 row") for text in checked.warnings)
    said = next(text for text in checked.warnings if "set aside" in text)
    assert said.startswith("2 of 63 rows")
    assert "circle/broken.png" in said
