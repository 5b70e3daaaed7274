"""COCO boxes become a detector; nothing in data, training or watch names detection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import danlu
from tests.endtoend.drawn import SHAPES, coco_of_shapes

SOURCE = Path(danlu.__file__).parent


def recipe(folder: Path, runs: Path, **train: Any) -> dict[str, Any]:
    return {
        "task": "detection",
        "run": {"folder": str(runs), "name": "boxes"},
        "data": {"source": str(folder / "annotations.json"), "format": "coco", "split": {"val": 0.2, "test": 0.2}},
        "model": {"args": {"width": 8, "features": 16, "tower": 1}},
        "train": {"epochs": 2, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 3e-3}, **train},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("coco")
    coco_of_shapes(folder)
    return folder, danlu.train(recipe(folder, tmp_path_factory.mktemp("runs")), screen=False)


def test_trains_judges_and_draws(run: Any) -> None:
    _, trained = run
    assert trained.status == "finished"
    assert {"test/ap", "test/ap50", "test/loss", "test/loss/class", "test/loss/box", "test/loss/centre"} <= set(
        trained.metrics
    )
    assert (trained.path / "pictures" / "test.png").stat().st_size > 1000


def test_predicts_in_the_pixels_of_the_file(run: Any) -> None:
    folder, trained = run
    files = sorted((folder / "images").iterdir())[:3]
    for answer in danlu.load(trained.path).predict(files):
        for box in answer["boxes"]:
            assert box["label"] in SHAPES
            x1, y1, x2, y2 = box["box"]
            assert 0 <= x1 < x2 <= 97
            assert 0 <= y1 < y2 <= 97


@pytest.mark.slow
def test_finds_the_shapes(tmp_path: Path) -> None:
    coco_of_shapes(tmp_path / "data", count=240, seed=3)
    big = recipe(tmp_path / "data", tmp_path / "runs", epochs=40)
    big["model"]["args"] = {"width": 16, "features": 32, "tower": 1}
    trained = danlu.train(big, screen=False)
    assert trained.metrics["test/ap50"] > 0.6


def test_the_core_knows_no_application() -> None:
    for folder in ("data", "training", "watch", "runs", "nn", "metrics"):
        for path in (SOURCE / folder).rglob("*.py"):
            found = re.search(r"\b(detection|detector|image.classification)\b", path.read_text(encoding="utf-8"), re.I)
            assert found is None or (folder in {"nn", "data"} and "spec" not in path.name), f"{path}: {found}"
