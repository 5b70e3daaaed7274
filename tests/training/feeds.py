"""Small in-memory feeds, nets and objectives for the loop's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import keys_of, order
from danlu.training.objective import Objective


class ArrayFeed:
    """Micro-batches over arrays, in a position-based order."""

    def __init__(self, inputs: torch.Tensor, targets: torch.Tensor, batch_size: int, seed: int = 0) -> None:
        self.inputs, self.targets, self.batch_size, self.seed = inputs, targets, batch_size, seed
        self.keys = keys_of(str(i) for i in range(len(inputs)))

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        rows = order(self.seed, "order", epoch, self.keys)
        for first in range(start * self.batch_size, len(rows), self.batch_size):
            some = rows[first : first + self.batch_size]
            yield Batch({"x": self.inputs[some], "label": self.targets[some]}, ("x",), some, self.keys[some])


def blobs(count: int = 100, features: int = 8, classes: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, count)
    centres = draw.normal(size=(classes, features)) * 2
    points = centres[labels] + draw.normal(size=(count, features))
    return torch.tensor(points, dtype=torch.float32), torch.tensor(labels)


def small_net(features: int = 8, classes: int = 3, dropout: float = 0.3, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(features, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, classes)
    )


def cross_entropy(**options: Any) -> Objective:
    return Objective({"cross-entropy": CrossEntropy(target="label", **options)})


class Recorder:
    """A watcher that keeps every event."""

    wants_snapshots = False

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on(self, event: Any) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def curve(self, name: str) -> list[float]:
        from danlu.training.events import StepsDone

        return [value for block in self.of(StepsDone) for value in block.values[name]]
