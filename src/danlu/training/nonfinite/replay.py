"""Doing a step again, in eager mode on a copy of the net, with the same random numbers: watched, or with other samples."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.nonfinite.layers import NOWHERE, bad, worst
from danlu.training.nonfinite.trace import Leaf, Origin, Trace
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.slots.running import Running


@dataclass(frozen=True)
class Traced:
    """micro: the micro-batch it happened in. phase: where it showed. name: of the gradient's weight or the running buffer."""

    micro: int
    phase: str  # "forward" | "backward" | "running" | "norm"
    origin: Origin
    name: str = ""


class Replay:
    """A step's micro-batches (transformed) on a copy of ``net``, which is as it was before the step. position: of the step."""

    def __init__(
        self,
        net: nn.Module,
        objective: Objective,
        micros: Sequence[Batch],
        precision: Precision,
        position: Position,
    ) -> None:
        self._net = copy.deepcopy(net)
        self._objective = objective
        self._micros = micros
        self._precision = precision
        self._at = position
        self._counts = torch.stack([objective.counts(batch) for batch in micros]).sum(0)
        self._running = Running(self._net)
        self._before = self._running.read()

    def traced(self) -> Traced | None:
        """Where NaN or infinity begins; None where the step is finite this time."""
        self._net.zero_grad(set_to_none=True)
        with eager():
            for micro, batch in enumerate(self._micros):
                self._before = self._running.read()
                trace = Trace({"": self._net, "objective": self._objective}, self._named(batch), len(batch))
                found = self._one(trace, micro, batch)
                if found is not None:
                    return found
        return self._norm()

    def spoils(self, micro: int, batch: Batch) -> bool:
        """Whether the step is NaN or infinite with ``batch`` in place of the micro-batch in which :meth:`traced` found it."""
        self._net.zero_grad(set_to_none=True)
        self._running.write(self._before)
        with eager():
            share = self._forward(micro, batch)
            if bad(share) or self._running.spoilt():
                return True
            if self._precision.scaler is None:
                torch.autograd.backward(share)
        return self._norm() is not None

    def _one(self, trace: Trace, micro: int, batch: Batch) -> Traced | None:
        with trace.layers.watched(), trace:
            share = self._forward(micro, batch)
        if bad(share):
            return Traced(micro, "forward", trace.origin(share) or _untold(share))
        if trace.running:
            name, origin = trace.running[0]
            return Traced(micro, "running", origin, name)
        if self._precision.scaler is not None:  # an overflow of scaled gradients is no fault
            return None
        with trace.layers.watched(), torch.autograd.set_multithreading_enabled(False), trace:
            torch.autograd.backward(share)
        found = [
            (trace.origin(p.grad) or _untold(p.grad), name) for name, p in self._gradients() if bad(p.grad.to_dense())
        ]
        if not found:
            return None
        origin, name = min(found, key=lambda each: each[0].order)
        return Traced(micro, "backward", origin, name)

    def _forward(self, micro: int, batch: Batch) -> Tensor:
        reseed(Position(self._at.seed, self._at.epoch, self._at.step, micro))
        with self._precision.autocast():
            outputs = self._net(*batch.arguments())
        share, _ = self._objective(outputs, batch, self._counts)
        return share  # type: ignore[no-any-return]

    def _norm(self) -> Traced | None:
        """Finite gradients whose norm is not (their squares overflow, as they would in Adam)."""
        gradients = list(self._gradients())
        if not gradients:
            return None
        norms = torch.stack(torch._foreach_norm([p.grad.to_dense() for _, p in gradients]))
        if self._precision.scaler is not None or bool(torch.isfinite(torch.linalg.vector_norm(norms))):
            return None
        largest = max(gradients, key=lambda each: float(each[1].grad.to_dense().abs().max()))
        return Traced(0, "norm", _untold(norms), largest[0])

    def _gradients(self) -> Iterator[tuple[str, Any]]:
        return ((name, p) for name, p in self._net.named_parameters() if p.grad is not None)

    def _named(self, batch: Batch) -> Iterator[tuple[Leaf, Tensor]]:
        for prefix, module in (("", self._net), ("objective.", self._objective)):
            for name, parameter in module.named_parameters():
                yield ("weight", prefix + name), parameter
            for name, buffer in module.named_buffers():
                yield ("buffer", prefix + name), buffer
        for name, value in batch.columns.items():
            yield ("column", name), value if isinstance(value, Tensor) else value.values


def _untold(tensor: Tensor) -> Origin:
    """Of what no operation was seen to write."""
    return Origin(sys.maxsize, "", NOWHERE, "", worst(tensor), ("constant", ""))


def eager() -> AbstractContextManager[Any]:
    """Compiled parts run as they are written. (Where nothing is compiled, its machinery is not even imported.)"""
    compiled = "torch._dynamo" in sys.modules
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
