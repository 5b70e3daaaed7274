"""Stages and runs for the lessons' tests: nets written down by hand, and trainings that take a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.learn.stage import Stage, seeded
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.training.feeds import TARGET
from danlu.training.objective import Objective
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan

INPUT = "input0"


def batches(shape: Sequence[int], classes: int = 3, count: int = 4, size: int = 12) -> tuple[Batch, ...]:
    """Standard normal inputs (size, *shape), and labels that depend on them."""
    draw = torch.Generator().manual_seed(5)
    found = []
    for number in range(count):
        x = torch.randn(size, *shape, generator=draw)
        labels = (x.reshape(size, -1)[:, :classes] + 0.3 * torch.randn(size, classes, generator=draw)).argmax(1)
        rows = np.arange(number * size, (number + 1) * size)
        found.append(Batch({INPUT: x, TARGET: labels}, (INPUT,), rows, rows.astype(np.uint64)))
    return tuple(found)


def stage(make: Callable[[], nn.Module], given: tuple[Batch, ...], **plan: Any) -> Stage:
    """The net is as it begins; momentum 0.9 and decay unless ``plan`` says otherwise."""
    asked = {"optimizer": lambda groups, **own: SGD(groups, **own, momentum=0.9), "decay": 0.01, "seed": 11} | plan

    def fresh() -> nn.Module:
        return seeded(make, 1)

    return Stage(fresh().eval(), fresh, Objective({"cross-entropy": CrossEntropy(TARGET)}), given, Plan(**asked))


def pair(batch: Batch) -> tuple[Tensor, Tensor]:
    """(inputs, labels)."""
    inputs, labels = batch[INPUT], batch[TARGET]
    assert isinstance(inputs, Tensor)
    assert isinstance(labels, Tensor)
    return inputs, labels


def digest(folder: Path) -> dict[str, str]:
    """Of every file below ``folder``, with its time; and the folders themselves."""
    return {
        str(path.relative_to(folder)): (
            f"{blake2b(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}" if path.is_file() else "folder"
        )
        for path in sorted(folder.rglob("*"))
    }


def images(place: Path, side: int = 8, rows: int = 90) -> Path:
    """An archive of grey images (rows, side, side) of three classes, each brighter in one third."""
    draw = np.random.default_rng(0)
    labels = np.arange(rows) % 3
    found = draw.integers(0, 150, (rows, side, side), dtype=np.uint8)
    third = side // 3
    for row, label in enumerate(labels):
        found[row, :, third * label : third * (label + 1)] += 80
    path = place / "images.npz"
    np.savez(path, images=found, labels=labels)
    return path


def recipe(place: Path, model: dict[str, Any], name: str, **train: Any) -> dict[str, Any]:
    """Image classification of :func:`images`, on one thread of the CPU."""
    return {
        "task": "image-classification",
        "seed": 3,
        "run": {"folder": str(place / "runs"), "name": name},
        "data": {
            "source": str(place / "images.npz"),
            "cache": str(place / "cache"),
            "split": {"val": 0.2, "test": 0.2},
        },
        "model": model,
        "train": {"epochs": 4, "batch_size": 10, "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9}}
        | {
            "schedule": "constant",
            "loss": {"name": "cross-entropy", "label_smoothing": 0.0},
            "precision": "fp32",
            "device": "cpu",
            "threads": 1,
        }
        | train,
        "evaluate": {"baselines": False, "report": False},
    }
