"""Teacher forcing: a net that learns to write is told the true beginning of each text (Williams & Zipser 1989)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.base import Kind
from danlu.metrics.base import Columns, Metric
from danlu.nn.padding import real
from danlu.randomness import Position

PREFIX, NEXT = "prefix", "next"  # columns that the transform adds


class Teacher:
    """A batch transform: of the tokens of ``column`` the first ``most`` are :data:`NEXT`, the same one later :data:`PREFIX`.

    start: what stands before the first. replaces: whether the prefix is given to the net instead of the column, or after the inputs.
    """

    partners = 0

    def __init__(self, column: str, start: int, most: int, replaces: bool = False) -> None:
        self.column, self.start, self.most, self.replaces = column, start, most, replaces

    def __repr__(self) -> str:
        return f"Teacher(most={self.most})"

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        values, sizes = batch[self.column]  # type: ignore[misc]
        ids, sizes = values[:, : self.most], sizes.clamp_max(self.most)
        prefix = torch.cat([torch.full_like(ids[:, :1], self.start), ids[:, :-1]], 1)
        made = batch.with_columns(**{PREFIX: Padded(prefix, sizes), NEXT: Padded(ids, sizes)})
        inputs = tuple(PREFIX if name == self.column else name for name in batch.inputs)
        return Batch(made.columns, inputs if self.replaces else (*batch.inputs, PREFIX), batch.rows, batch.keys)


def told(outputs: Any, batch: Batch) -> dict[str, Any]:
    """{"tokens", "right", "surprise"}, each (B,): how many tokens a text has, how many were the likeliest, Σ -log p in nats."""
    logits: Tensor = outputs
    truth = batch[NEXT]
    ids, sizes = truth.values.long(), truth.sizes.reshape(-1)  # type: ignore[union-attr]
    seen = real(sizes, ids.shape[1])
    surprise = F.cross_entropy(logits.float().flatten(0, 1), ids.flatten(), reduction="none").view_as(ids)
    right = (logits.argmax(-1) == ids) & seen
    return {
        "tokens": sizes.cpu().numpy(),
        "right": right.sum(1).cpu().numpy(),
        "surprise": (surprise.double() * seen).sum(1).cpu().numpy(),
    }


class NextTokens(Metric):
    """``token-accuracy``, and ``perplexity`` = exp(Σ -log p / tokens), where the net is told what stands before."""

    sums = True

    def __init__(self) -> None:
        self._counted = dict.fromkeys(("tokens", "right", "surprise"), 0.0)

    def update(self, predictions: Columns, targets: Columns) -> None:
        for name in self._counted:
            self._counted[name] += float(np.sum(predictions[name]))

    def merge(self, other: NextTokens) -> None:
        for name, value in other._counted.items():
            self._counted[name] += value

    def compute(self) -> dict[str, float]:
        tokens = self._counted["tokens"]
        if not tokens:
            return {"token-accuracy": float("nan"), "perplexity": float("nan")}
        surprise = self._counted["surprise"] / tokens
        return {
            "token-accuracy": self._counted["right"] / tokens,
            "perplexity": float(np.exp(min(surprise, 700.0))),
        }
