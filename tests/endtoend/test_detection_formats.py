"""YOLO's texts become a detector that learns with mosaic or copy-paste, resumes to the same bits, and answers without torch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import danlu
from danlu.data.writing.boxes import of_table, write
from danlu.runs import resume
from danlu.training import checkpoint
from tests.data.made import BOXES, table
from tests.endtoend.drawn import SHAPES, coco_of_shapes
from tests.endtoend.pairs import Keeper


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    found = table(coco_of_shapes(folder / "coco", count=24, largest=72), BOXES)
    return write(folder / "yolo", "yolo", of_table(found), SHAPES)


def recipe(source: Path, runs: Path, *augment: Any) -> dict[str, Any]:
    return {
        "task": "detection",
        "run": {"folder": str(runs), "name": "it"},
        "data": {"source": str(source), "split": {"val": 0.2, "test": 0}, "augment": list(augment)},
        "model": {"args": {"width": 8, "features": 16, "tower": 1}},
        "train": {
            "epochs": 3,
            "batch_size": 8,
            "threads": 1,
            "device": "cpu",
            "precision": "fp32",
            "checkpoint": {"every_steps": 4, "every_minutes": None, "every_epochs": None, "keep": 10},
        },
        "evaluate": {"baselines": False, "report": False},
    }


@pytest.mark.parametrize("augment", ["mosaic", "copy-paste"])
def test_it_resumes_to_the_same_bits(shapes: Path, tmp_path: Path, augment: str) -> None:
    (tmp_path / "cut").mkdir()
    keeper = Keeper(4, tmp_path / "cut" / "it")
    whole = danlu.train(recipe(shapes, tmp_path / "runs", "flip", {augment: {"p": 0.8}}, {"scale": 1.3}), screen=keeper)
    again = resume(tmp_path / "cut" / "it", screen=False)
    one, other = (checkpoint.listed(run.folder.checkpoints)[-1] for run in (whole, again))
    assert one.name == other.name
    assert int(one.name) > 4
    files = sorted(path.name for path in one.glob("*.safetensors"))
    assert files
    for name in files:
        mine, theirs = load_file(one / name), load_file(other / name)
        assert all(np.array_equal(mine[key], theirs[key], equal_nan=True) for key in mine)
    assert whole.metrics == pytest.approx(again.metrics, nan_ok=True)


@pytest.mark.slow
def test_an_artifact_answers_as_the_run_does(shapes: Path, tmp_path: Path) -> None:
    run = danlu.train(recipe(shapes, tmp_path / "runs", "flip"), screen=False)
    danlu.export(run.path, tmp_path / "artifact")
    files = sorted((shapes.parent / "images" / "train").rglob("*.png"))[:4]
    shutil.rmtree(run.path / "checkpoints")
    ours, theirs = (danlu.load(path).predict(files) for path in (run.path, tmp_path / "artifact"))
    for one, other in zip(ours, theirs, strict=True):
        assert [box["label"] for box in one["boxes"]] == [box["label"] for box in other["boxes"]]
        for mine, same in zip(one["boxes"], other["boxes"], strict=True):
            assert mine["box"] == pytest.approx(same["box"], abs=0.05)
