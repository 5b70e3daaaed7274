"""A report is never larger than 1 MB, whatever the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.messages import LANGUAGES, Language
from danlu.report import write_report
from danlu.report.facts import Facts
from danlu.report.writing import LARGEST, written
from danlu.runs.predictions import PredictionWriter
from tests.report.made import classified
from tests.report.page import read
from tests.report.test_figures import answered


def photos(path: Path, rows: int, classes: int, side: int) -> Path:
    """Noise, which no compression makes small."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (rows, side, side, 3), dtype=np.uint8)
    names = np.array([f"category number {place:03} of many" for place in range(classes)])
    np.savez(path, images=images, labels=names[np.arange(rows) % classes])
    return path


def trained(place: Path, rows: int, classes: int, side: int) -> Any:
    """One step on few pictures; then the predictions of a worse net on all of them, many of which are wrong."""
    source = photos(place / "photos.npz", rows, classes, side)
    recipe = {
        "task": "image-classification",
        "run": {"folder": str(place / "runs"), "name": "large"},
        "data": {"source": str(source), "cache": str(place / "cache"), "split": {"val": 0.1, "test": 0.8}},
        "model": {"name": "mlp", "args": {"widths": [2]}},
        "train": {
            "max_steps": 1,
            "batch_size": 32,
            "optimizer": {"name": "sgd", "lr": 0.01},
            "precision": "fp32",
            "device": "cpu",
        },
        "evaluate": {"baselines": False, "report": False},
    }
    run = danlu.train(recipe, screen=False)
    from danlu.runs.stored import Stored

    stored = Stored(run.folder.predictions / "test.parquet")
    ids, label = stored.ids(), np.asarray(stored.column("true/label"))
    probability, _ = answered(len(ids), classes, 1)
    with PredictionWriter(run.folder.predictions / "test.parquet") as writer:
        writer.add(ids, {"label": label}, {"probability": probability, "label": probability.argmax(1)})
    return run


@pytest.mark.parametrize("classes", [20, 200])
def test_many_pictures_and_classes(classes: int, tmp_path: Path) -> None:
    run = trained(tmp_path, 2000, classes, 48)
    page = write_report(run)
    assert 300_000 < page.stat().st_size <= LARGEST, "its room is used"
    found = read(page)
    assert "remarks" not in found.sections or "left out" not in found.text
    assert sum(name == "img" for name, _ in found.tags) > 100


@pytest.mark.slow
def test_ten_thousand_test_images(tmp_path: Path) -> None:
    run = trained(tmp_path, 12_500, 10, 64)
    page = write_report(run)
    assert page.stat().st_size <= LARGEST
    found = read(page)
    assert "10,000 samples of the test part" in found.text
    assert sum(found.cells.values()) == 10_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_as_long_as_they_may_be(lang: Language, tmp_path: Path) -> None:
    """Each of Chinese characters of its own: thousands of glyphs."""
    draw = np.random.default_rng(0)
    names = ["".join(map(chr, draw.integers(0x4E00, 0x9FA5, 300))) for _ in range(200)]
    probability, label = answered(3000, 200, 0)
    counts = {name: {"train": 1, "val": 2, "test": 3} for name in names}
    card = {"classes": {"label": counts}, "warnings": names}
    run = classified(tmp_path / "run", probability, label, names, card=card, said=names * 5)
    page = write_report(run, lang=lang)
    assert page.stat().st_size <= LARGEST
    assert {"confusion", "classes", "data", "remarks"} <= set(read(page).sections)


@pytest.mark.parametrize("largest", [1_000_000, 300_000, 150_000])
def test_it_is_cut_to_what_is_asked_for(largest: int, tmp_path: Path) -> None:
    probability, label = answered(3000, 200, 0)
    run = classified(tmp_path / "run", probability, label, [f"class {place}" for place in range(200)])
    text = written(Facts.of(run), largest)
    assert len(text.encode()) <= largest
    assert "confusion" in read(text).sections
