"""How to train: everything the loop needs beside the net, the objective and the batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from danlu.data.augment.base import BatchTransform
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.randomness import Position
from danlu.training.optimisers.adamw import AdamW
from danlu.training.precision import Name
from danlu.training.schedules.base import Schedule
from danlu.training.schedules.one_cycle import OneCycle
from danlu.training.unfreezing.all import All
from danlu.training.unfreezing.base import Unfreezing


class Feed(Protocol):
    """Micro-batches by position: :class:`danlu.data.batches.batches.Batches`, or anything shaped like it."""

    def __len__(self) -> int:
        """Micro-batches in an epoch."""
        ...

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The micro-batches of an epoch from the ``start``-th on, on the training device."""
        ...


@dataclass(frozen=True)
class Judged:
    """What an evaluation found: "val/accuracy" → value, and intervals where the metric's state allows one.

    uncounted: losses among ``values`` that are NaN because no row carried one, not because a number broke.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    uncounted: frozenset[str] = frozenset()


Judge = Callable[[nn.Module], Judged]


@dataclass(frozen=True)
class CheckpointPolicy:
    """When checkpoints are written under ``folder``; None: never. keep: how many of the last stay."""

    folder: Path | None = None
    every_steps: int | None = None
    every_minutes: float | None = 10.0
    every_epochs: int | None = 1
    keep: int = 3


def by_number(row: int) -> tuple[str, str]:
    """(id, where a person finds it) of a row of which no more is known."""
    return str(row), str(row)


@dataclass(frozen=True)
class Plan:
    """What the recipe's ``train`` section becomes.

    optimizer: makes the optimiser from parameter groups (``params``, ``weight_decay``). lr: the peak rate. warmup: steps.
    unfreeze: which parameters learn, when, and at which share of the rate.
    decay: weight decay of matrices and filters; norms, biases and other vectors get none.
    l1: λ of the L1 penalty, on the same parameters; proximal: by a proximal step, which makes zeros, and not by its gradient.
    sam: ρ of sharpness-aware minimisation. ema: decay of averaged weights, which are then the ones evaluated. swa: share of the steps
    after which the rate is held and weights at the ends of epochs are averaged, which are then evaluated. Not both.
    monitor: (metric, +1 or -1) whose best weights are kept in ``best_folder``. patience: evaluations without improvement
    by ``min_delta`` before stopping early. plateau: (metric, +1 or -1) that the schedule watches, where it is one that does.
    compiled: whether training's forward and backward passes are compiled, for each shape of a batch.
    transforms: batch transforms in order. seed: of everything drawn.
    non_finite: what a step whose loss or gradient is NaN or infinite leads to; in no case does it change anything. captures: the folder
    in which the batches of such steps are kept. captures_every: steps between two looks inside the net (0: none), for watchers with
    ``wants_captures``. source: a dataset row's id, and where a person finds it.
    """

    epochs: int = 10
    max_steps: int | None = None
    accumulate: int = 1
    seed: int = 0
    optimizer: Callable[..., Optimizer] = AdamW
    lr: float = 1e-3
    unfreeze: Unfreezing = field(default_factory=All)
    decay: float = 0.01
    schedule: Schedule = field(default_factory=OneCycle)
    warmup: int = 0
    clip_norm: float | None = None
    l1: float = 0.0
    proximal: bool = False
    sam: float | None = None
    ema: float | None = None
    swa: float | None = None
    precision: Name = "fp32"
    compiled: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    transforms: Sequence[BatchTransform] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    evaluate_every: int = 1
    monitor: tuple[str, int] | None = None
    plateau: tuple[str, int] | None = None
    best_folder: Path | None = None
    early_stop: tuple[str, int, int, float] | None = None  # metric, sign, patience, min_delta
    checkpoint: CheckpointPolicy = field(default_factory=CheckpointPolicy)
    non_finite: Literal["stop", "skip"] = "stop"
    captures: Path | None = None
    captures_every: int = 0
    source: Callable[[int], tuple[str, str]] = by_number
    log_seconds: float = 1.0
    extra_state: Mapping[str, Any] = field(default_factory=dict)  # JSON-able, stored beside (versions, recipe hash)

    @property
    def watched(self) -> tuple[str, int] | None:
        """The metric (and its sign) whose standing still is waited for: that of early stopping, else the monitor."""
        return self.early_stop[:2] if self.early_stop else self.monitor


def transformed(batch: Batch, at: Position, plan: Plan) -> Batch:
    """The batch after the plan's transforms."""
    for transform in plan.transforms:
        batch = transform(batch, at, plan.kinds)
    return batch
