"""A run trained on the device is judged, exported and asked like any other; and what was foreseen of its memory came true."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import danlu
from danlu import runs
from tests.endtoend.drawn import folder_of_shapes
from tests.endtoend.pairs import Ground, Story
from tests.gpu.conftest import Note
from tests.gpu.test_training import asked

pytestmark = pytest.mark.gpu


def test_export(accelerator: torch.device, tmp_path: Path) -> None:
    """The artifact's answers, without torch, are those of the run's net on the device and on the CPU."""
    shapes = folder_of_shapes(tmp_path / "shapes")
    given = {
        "data": {"source": str(shapes), "augment": ["flip"]},
        "train": {"epochs": 2, "batch_size": 16, "device": str(accelerator)},
        "evaluate": {"baselines": False, "report": False},
        "run": {"folder": str(tmp_path / "runs"), "name": "run"},
    }
    run = danlu.train(given, screen=False)
    artifact = danlu.export(run)
    files = sorted(path for path in shapes.rglob("*") if path.is_file())[:12]
    there, here = (danlu.load(run.path, str(device)).predict(files) for device in (accelerator, "cpu"))
    exported = danlu.load(artifact).predict(files)
    for one, two, three in zip(there, here, exported, strict=True):
        assert one["label"] == two["label"] == three["label"]
        assert one["probability"] == pytest.approx(two["probability"], abs=5e-3)
        assert three["probability"] == pytest.approx(two["probability"], abs=1e-3)


def test_memory_is_foreseen(cuda: torch.device, ground: Ground, tmp_path: Path, note: Note) -> None:
    """`danlu plan`: the most that the training takes of the GPU, within 15 %."""
    given = asked(ground, cuda, tmp_path, "run", "adamw", "ema", batch_size=32)
    given["model"] = {"name": "resnet", "args": {"width": 64, "blocks": [2, 2]}}
    given["data"]["image"] = {"size": 64}
    foreseen = runs.plan(given)
    assert foreseen.memory.device.startswith("cuda")
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    run = danlu.train(given, screen=False)
    (happened,) = {event["memory"] for event in Story.of(run).events if event["type"] == "happened"}
    note("foreseen by happened", foreseen.memory.peak / happened)
    assert foreseen.memory.peak == pytest.approx(happened, rel=0.15)
