"""A training that takes a moment: thirty-six tiny images in an archive, a net of a few weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from danlu.training import checkpoint


def archive(path: Path, rows: int = 36, seed: int = 0) -> Path:
    """``path``: ``images`` uint8 (rows, 8, 8), brighter in one of three thirds, and ``labels`` int64 (rows,)."""
    draw = np.random.default_rng(seed)
    labels = np.arange(rows) % 3
    images = draw.integers(0, 120, (rows, 8, 8), dtype=np.uint8)
    for row, label in enumerate(labels):
        images[row, :, 3 * label : 3 * label + 2] += 100
    np.savez(path, images=images, labels=labels)
    return path


def recipe(place: Path, **train: Any) -> dict[str, Any]:
    """Four steps in each of two epochs, a checkpoint after every step, all of them kept; the best weights are tested."""
    source = place / "data.npz"
    if not source.exists():
        archive(source)
    checkpoints = {"every_steps": 1, "every_epochs": 1, "every_minutes": None, "keep": 100}
    return {
        "task": "image-classification",
        "seed": 3,
        "run": {"folder": str(place / "runs"), "name": "small"},
        "data": {"source": str(source), "cache": str(place / "cache"), "split": {"val": 0.2, "test": 0.2}},
        "model": {"name": "mlp", "args": {"widths": [6]}},
        "train": {"epochs": 2, "batch_size": 6, "optimizer": {"name": "adamw", "lr": 0.01}, "schedule": "constant"}
        | {"checkpoint": checkpoints, "precision": "fp32", "device": "cpu", "threads": 1}
        | train,
        "evaluate": {"weights": "best"},
    }


def last(run: Any) -> checkpoint.State:
    return checkpoint.load(checkpoint.listed(run.folder.checkpoints)[-1])


def same(one: checkpoint.State, other: checkpoint.State) -> bool:
    """Equal bit for bit, tensors and values; where it was trained doesn't count."""
    values = [{key: value for key, value in state.values.items() if key != "extra"} for state in (one, other)]
    return values[0] == values[1] and all(
        torch.equal(tensor, other.tensors[group][name])
        for group, tensors in one.tensors.items()
        for name, tensor in tensors.items()
    )
