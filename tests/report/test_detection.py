"""Detection: which pictures are shown, and what is drawn on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu import recipe as recipes
from danlu.tasks.detection.decoder import BoxDecoder
from danlu.tasks.detection.task import Detection
from tests.report.page import read

OLD = Path(__file__).parents[1] / "fixtures" / "runs" / "0.1"
BOX = [10.0, 10.0, 30.0, 30.0]


def faults(found: list[list[float]], truth: list[list[float]]) -> float:
    """found: x1, y1, x2, y2, score, class. truth: x1, y1, x2, y2, class, iscrowd, area."""
    task = Detection.__new__(Detection)  # needs neither recipe nor data
    told = task.faults({"boxes": [np.array(found).reshape(-1, 6)]}, {"boxes": [np.array(truth).reshape(-1, 7)]})
    assert told is not None
    return float(told[0])


def test_faults() -> None:
    thing, crowd = [*BOX, 1, 0, 400], [*BOX, 1, 1, 400]
    assert faults([[*BOX, 0.9, 1]], [thing]) == 0
    assert faults([], [thing]) == 1, "missed"
    assert faults([[*BOX, 0.2, 1]], [thing]) == 1, "hardly an answer"
    assert faults([[*BOX, 0.9, 0]], [thing]) == pytest.approx(1.9), "of another class: one missed, one wrong"
    assert faults([[*BOX, 0.9, 1], [*BOX, 0.8, 1]], [thing]) == pytest.approx(0.8), "found twice"
    assert faults([[40, 40, 60, 60, 0.7, 1]], []) == pytest.approx(0.7)
    assert faults([[*BOX, 0.9, 1], [*BOX, 0.8, 1]], [crowd]) == 0
    assert faults([], [crowd]) == 0
    assert faults([], []) == 0


def test_the_worst_pictures_are_shown_with_both_kinds_of_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(OLD / "boxes", tmp_path / "boxes")
    monkeypatch.chdir(tmp_path)
    wanted = recipes.load(OLD / "runs" / "boxes" / "recipe.yaml")
    changes = {
        "run.folder": str(tmp_path / "runs"),
        "run.name": "boxes",
        "train.epochs": 2,
        "evaluate.baselines": False,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BoxDecoder, "decode", _sure(BoxDecoder.decode))
        run = danlu.train(recipes.patch(wanted, changes), screen=False)
    page = read(run.path / "report.html")
    assert "worst" in page.sections
    assert "Error" not in page.text
    pictures = [attributes for name, attributes in page.tags if name == "image"]
    boxes = [
        attributes["class"]
        for name, attributes in page.tags
        if name == "rect" and "true" in (attributes.get("class") or "")
    ]
    found = [attributes for name, attributes in page.tags if name == "rect" and attributes.get("class") == "found"]
    assert 0 < len(pictures) <= 3
    assert len(boxes) >= len(pictures)
    assert len(found) == len(pictures)


def _sure(decode: Any) -> Any:
    """Gives one box in the corner of each image: of its own a net of a few steps is not sure enough."""

    def sure(self: BoxDecoder, outputs: Any, inputs: Any) -> dict[str, Any]:
        return {"boxes": [np.array([[0, 0, 9, 9, 0.9, 0]], np.float32) for _ in decode(self, outputs, inputs)["boxes"]]}

    return sure
