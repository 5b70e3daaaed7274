"""Net, objective and metric: what the core can't know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from danlu.metrics.base import Columns, Metric
from danlu.nn.terms.mse import MSE
from danlu.tasks.base import Task
from danlu.training.objective import Objective


class Net(nn.Module):
    """(area, rooms) float32 (B,) each → price (B,). It takes raw numbers: normalisation travels with the weights."""

    def __init__(self, statistics: Mapping[str, Mapping[str, float]], hidden: int) -> None:
        super().__init__()
        names = ("area", "rooms", "price")
        self.register_buffer("mean", torch.tensor([statistics[name]["mean"] for name in names]))
        self.register_buffer("std", torch.tensor([statistics[name]["std"] or 1.0 for name in names]))
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, area: Tensor, rooms: Tensor) -> Tensor:
        inputs = (torch.stack([area, rooms], dim=1) - self.mean[:2]) / self.std[:2]
        return self.layers(inputs).squeeze(1) * self.std[2] + self.mean[2]


class MeanAbsoluteError(Metric):
    """A sum and a count, so that any division of the samples gives the same."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, predictions: Columns, targets: Columns) -> None:
        self.total += float(np.abs(predictions["price"] - targets["price"]).sum())
        self.count += len(targets["price"])

    def merge(self, other: MeanAbsoluteError) -> None:
        self.total, self.count = self.total + other.total, self.count + other.count

    def compute(self) -> dict[str, float]:
        return {"mae": self.total / self.count if self.count else float("nan")}


class HousePrice(Task):
    """One price for each house."""

    def net(self) -> nn.Module:
        return Net(self.data.statistics, self.recipe.options["hidden"])

    def objective(self) -> Objective:
        return Objective({"mse": MSE(target="price")})

    def metrics(self) -> Sequence[Metric]:
        return (MeanAbsoluteError(),)
