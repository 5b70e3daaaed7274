"""What is foreseen of a run: parameters, FLOPs, memory, time, disk. Sizes are bytes, times seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from danlu.training.forecast.figures import Flops, Parameters, StepMemory


@dataclass(frozen=True)
class Memory:
    """device: "cpu" (of the process) or the CUDA device (of its tensors). process: interpreter, libraries and what is held of the data;
    data: files of the cache, as far as they are mapped; both 0 on a CUDA device. step: of a step of training. evaluation, baselines:
    what judging the net needs beside the weights, and what the simple models beside it need. peak: the most of all; fullest: when it is
    ("checks", "step", "evaluation", "baselines"). room: of this machine or device; None where it isn't known.
    """

    device: str
    process: int
    data: int
    step: StepMemory
    evaluation: int
    baselines: int
    peak: int
    fullest: str
    room: int | None

    def parts(self) -> dict[str, int]:
        """Part → bytes, those of a step; in the order in which they are told."""
        step = self.step
        return {
            "process": self.process,
            "data": self.data,
            "weights": step.weights,
            "gradients": step.gradients,
            "optimizer": step.optimizer,
            "averaged": step.averaged,
            "batch": step.batch,
            "activations": step.activations,
            "working": max(0, step.whole - step.tensors) + step.working,
        }

    @property
    def dominant(self) -> str:
        """The largest of the parts."""
        parts = self.parts()
        return max(parts, key=lambda name: parts[name])


@dataclass(frozen=True)
class Time:
    """step: of one. steps: how many. cpu: of the processor, of all threads, for a step with its share of looks; others who use the
    machine lengthen it least. The rest are sums over the run.

    total: with all that comes before the first step, without the report.
    """

    step: float
    steps: int
    checks: float
    training: float
    evaluations: float
    captures: float
    checkpoints: float
    test: float
    baselines: float
    cpu: float

    @property
    def total(self) -> float:
        return (
            self.checks
            + self.training
            + self.evaluations
            + self.captures
            + self.checkpoints
            + self.test
            + self.baselines
        )


@dataclass(frozen=True)
class Disk:
    """checkpoint: one of them. checkpoints: those that are kept. best: the best weights."""

    checkpoint: int
    checkpoints: int
    best: int
    predictions: int
    events: int
    captures: int

    @property
    def total(self) -> int:
        return self.checkpoints + self.best + self.predictions + self.events + self.captures


@dataclass(frozen=True)
class Forecast:
    """samples: of an effective batch. batch_size, accumulate: as in the recipe."""

    parameters: Parameters
    flops: Flops
    memory: Memory
    time: Time
    disk: Disk
    samples: int
    batch_size: int
    accumulate: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found = asdict(self)
        found["parameters"]["total"] = self.parameters.total
        found["memory"]["dominant"] = self.memory.dominant
        found["time"]["total"] = self.time.total
        found["disk"]["total"] = self.disk.total
        return found


@dataclass(frozen=True)
class Compared:
    """One line of "forecast and what happened". name: "memory", "step", "cpu", "time", "disk". None: not known."""

    name: str
    foreseen: float
    happened: float | None


def compared(foreseen: Mapping[str, Any], happened: Mapping[str, Any]) -> list[Compared]:
    """From :meth:`Forecast.as_dict` and what a run says of itself at its end; passes over what is not there."""
    places = (("memory", "peak"), ("time", "step"), ("time", "cpu"), ("time", "total"), ("disk", "total"))
    names = (("memory", "memory"), ("step", "seconds"), ("cpu", "cpu"), ("time", "spent"), ("disk", "disk"))
    found = []
    for (name, field), (part, key) in zip(names, places, strict=True):
        value, real = foreseen.get(part, {}).get(key), happened.get(field)
        if isinstance(value, (int, float)):
            found.append(Compared(name, float(value), float(real) if isinstance(real, (int, float)) else None))
    return found
