"""What the loop tells its watchers. Plain values only: a watcher can't reach anything it could change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """Base. step: optimiser steps finished. epoch: from 0."""

    step: int
    epoch: int


@dataclass(frozen=True)
class FitStarted(Event):
    """total_steps and epochs planned; start step where resumed; steps_per_epoch; batch_size: samples a step."""

    total_steps: int
    epochs: int
    steps_per_epoch: int
    batch_size: int
    slots: tuple[tuple[str, str], ...] = ()  # (slot, what stands in it), in the loop's order
    monitor: str = ""  # the metric that says which evaluation is best; "": none
    evaluate_every: int = 1  # epochs between evaluations; 0: none


@dataclass(frozen=True)
class StepsDone(Event):
    """A block of finished steps (at most ``log_seconds`` of them), so that no step waits for the device.

    steps: their positions, rising by one, the last of which is the one that brought ``step`` about.
    values: name → one number a step ("train/loss", "train/loss/NAME", "lr", "grad_norm"), each of len(steps).
    seconds: wall time of the block; waited: seconds of it spent waiting for data. samples: trained in the block.
    """

    steps: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    samples: int
    seconds: float
    waited: float


@dataclass(frozen=True)
class EvaluationProgress(Event):
    """part evaluated so far."""

    part: str
    done: int
    total: int


@dataclass(frozen=True)
class Evaluated(Event):
    """values: "val/accuracy", "val/loss", …; intervals where known; best: whether this is the best so far by the monitor."""

    part: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    best: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Compared(Event):
    """The net beside simple baselines on the same samples of a part.

    metric: the one that decides ("accuracy"), better: +1 where a larger value of it is. net: its value; baselines: name → theirs.
    best: the best of them; difference: net - best, interval: of that paired difference at ``confidence``, NaN where not known.
    beaten: whether the net is better beyond the interval (where it isn't known, at all).
    """

    part: str
    metric: str
    net: float
    baselines: Mapping[str, float]
    best: str
    difference: float
    interval: tuple[float, float]
    confidence: float
    better: int
    samples: int
    beaten: bool


@dataclass(frozen=True)
class Diagnosed(Event):
    """A verdict on the run's health, see ``danlu.health``. severity: "warning" or "problem". text, evidence, remedy: in the language of
    the run. layers: where it was seen. patch: dotted key of the recipe → new value.
    """

    name: str
    severity: str
    text: str
    evidence: tuple[str, ...]
    layers: tuple[str, ...]
    remedy: str
    patch: Mapping[str, Any]


@dataclass(frozen=True)
class EpochDone(Event):
    """values: training means of the epoch. seconds: without evaluation."""

    values: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Snapshot(Event):
    """Parameters and last gradients, for histograms and pictures; given only to watchers that ask (``wants_snapshots``).

    parameters and gradients: name → CPU tensor copies.
    """

    parameters: Mapping[str, Any]
    gradients: Mapping[str, Any]


@dataclass(frozen=True)
class LayerFigures:
    """One output of one call of a layer, for the step's first samples; taken from a copy of the net that did the step again.

    layer: dotted, "" is the net itself. kind: its class, "F.relu" for a function. call: the how-manieth of a layer that is used again.
    output: which of several, dotted. size: values. mean, std: of them, not finite where one is not. last: the net gives it out.
    silent: of ReLU and its kin one bit a unit, 1 where it is ≤ 0 for every sample and place (numpy.packbits); units: how many there
    are, 0 of other layers. saturated: of tanh and sigmoid the share of values where the slope is small. gradient: Euclidean norm of the
    loss's gradient with respect to this output; None where it does not depend on it.
    """

    layer: str
    kind: str
    call: int
    output: str
    size: int
    mean: float
    std: float
    last: bool
    silent: bytes
    units: int
    saturated: float | None
    gradient: float | None


@dataclass(frozen=True)
class ParameterFigures:
    """A parameter in one step. size: elements; dimensions: of its shape; trained: whether it asks for a gradient.

    weight: Euclidean norm before the update. gradient: of the effective batch, before clipping; None where it got none. update: norm of
    what the step changed.
    """

    parameter: str
    size: int
    dimensions: int
    trained: bool
    weight: float
    gradient: float | None
    update: float


@dataclass(frozen=True)
class Captured(Event):
    """What the inside of the net looked like in the step that brought ``step`` about; only for watchers with ``wants_captures``."""

    layers: tuple[LayerFigures, ...]
    parameters: tuple[ParameterFigures, ...]


@dataclass(frozen=True)
class Saving(Event):
    """A checkpoint is about to be written: what was captured before it is never told again. For watchers with ``wants_captures``."""


@dataclass(frozen=True)
class CheckpointSaved(Event):
    path: str
    seconds: float


@dataclass(frozen=True)
class Foreseen(Event):
    """What the training is expected to take; forecast: as ``danlu plan --json`` gives it."""

    forecast: Mapping[str, Any]


@dataclass(frozen=True)
class Happened(Event):
    """What it took. memory: bytes at most, of the process or of tensors on a CUDA device. seconds: of a step, a mean without the first
    block of steps. cpu: of the processor, of all threads, for a step. None where they aren't known. spent: seconds from the first
    check to the last prediction. disk: bytes of the folder.
    """

    memory: int | None
    seconds: float | None
    spent: float
    disk: int
    cpu: float | None = None


@dataclass(frozen=True)
class Said(Event):
    """Something a person should read. level: "info" or "warning"."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class NonFinite(Event):
    """The step after ``step`` was NaN or infinite, and changed nothing.

    loss, norm: of the step. action: "skip" or "stop". in_a_row: such steps up to this one. finding: kind, layer, layer_class,
    operation, name, value, rows, … as far as known. rows: those to blame as a person finds them, else those of the batch. capture:
    where the batch is kept, in words. text: the finding in words.
    """

    loss: float
    norm: float
    action: str
    in_a_row: int
    finding: Mapping[str, Any]
    rows: tuple[str, ...]
    capture: str
    text: str


@dataclass(frozen=True)
class FitDone(Event):
    """reason: "finished", "early-stop", "interrupted", "max-steps". skipped: steps left out because they were NaN or infinite."""

    reason: str
    seconds: float
    best: Mapping[str, float] = field(default_factory=dict)
    skipped: int = 0


class Watcher(Protocol):
    """Looks on. Whatever it returns is ignored; an error in it is a defect and stops the run loudly."""

    def on(self, event: Event) -> None: ...

    def close(self) -> None: ...
