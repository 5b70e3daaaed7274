"""A copy of the net that lives beside it through training, and does a few samples of a step again while its layers are looked at.

Before each pass it is given the net's weights, buffers, modes and plain attributes of that moment. Nothing that it does reaches the
net, the batch or a random generator (house rule 2), and no number leaves the device until it is asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch, Padded, Ragged, Value
from danlu.randomness import Position
from danlu.training.events import LayerFigures
from danlu.training.nonfinite.replay import eager
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.seeing import GATES, RELU, Seen, copied, replica, saturated, silent, undisturbed

SAMPLES = 8  # of a step's first micro-batch


class Double:
    """Raises TrainingError where the net can't be copied.

    rows: tables of which a step moves the looked-up rows alone aren't copied, nor are data that no step changes: the net's are read.
    parameters: the net's own, by name, and weights: the copy's, which hold the values of the last :meth:`follow`, or are the net's.
    """

    def __init__(self, net: nn.Module, objective: Objective, rows: bool = False) -> None:
        self._net, self._objective = replica(net, _shared(net, rows)), copied(objective)
        self.parameters = {name: p for name, p in net.named_parameters() if p.is_floating_point()}
        self.weights = {name: p.detach() for name, p in self._net.named_parameters()}
        self._ids = {id(p) for root in (net, objective) for p in root.parameters()}
        self._tables: list[
            tuple[dict[str, Tensor | None], dict[str, Tensor | None], bool]
        ] = []  # mine, its, of parameters
        self._plain: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = []
        for mine, its in ((self._net, net), (self._objective, objective)):
            for own, other in zip(mine.modules(), its.modules(), strict=True):
                self._tables.append((own._parameters, other._parameters, True))  # type: ignore[arg-type]
                self._tables.append((own._buffers, other._buffers, False))
                plain = [name for name, value in vars(other).items() if type(value) in (bool, int, float, str)]
                self._plain.append((vars(own), vars(other), plain))
        self._seen = Seen(self._net, _measured, None)
        self._seen.attach()
        self._path: list[tuple[str, int]] | None = None  # the layers of the first pass, in their order

    @torch.no_grad()
    def follow(self) -> bool:
        """Become what the net is now; False where that can't be done, since it has other tensors than when it was copied."""
        mine, theirs = [], []
        for own, other, trained in self._tables:
            if len(own) != len(other):
                return False
            for name, its in other.items():
                one = own.get(name)
                if its is None and one is None:
                    continue
                if its is None or one is None or (trained and id(its) not in self._ids):
                    return False
                if one.shape != its.shape or one.dtype is not its.dtype or one.device != its.device:
                    return False
                if trained and one.requires_grad is not its.requires_grad:
                    one.requires_grad_(its.requires_grad)
                if one.numel() and one.data_ptr() == its.data_ptr():
                    continue
                mine.append(one)
                theirs.append(its)
        if mine:
            torch._foreach_copy_(mine, theirs)
        for attributes, others, names in self._plain:
            attributes.update({name: others.get(name) for name in names})
        return True

    def _pass(self, batch: Batch, at: Position, precision: Precision) -> tuple[Batch, Any]:
        """(the samples, what the net makes of them)."""
        few = _first(batch, min(SAMPLES, len(batch)))
        reseed(at)
        with precision.autocast(), self._seen:
            return few, self._net(*few.arguments())

    def _passed(self) -> list[tuple[str, int]]:
        return [(row.layer, row.call) for row in self._seen.rows]

    def end(self) -> None:
        """Free the copy."""
        self._seen.begin()
        self._seen.detach()

    def see(self, batch: Batch, at: Position, precision: Precision) -> Figures:
        """What each layer gives out for the first samples, in training as at ``at``. What the net's forward raises comes through."""
        seen = self._seen
        seen.begin()
        try:
            with undisturbed(), torch.inference_mode(False), torch.enable_grad(), eager():
                few, outputs = self._pass(batch, at, precision)
                if not seen.functions and self._path != self._passed():
                    seen.functions = True  # another way through the net may call some
                    seen.begin()
                    few, outputs = self._pass(batch, at, precision)
                if self._path is None:
                    seen.functions, self._path = any(row.kind.startswith("F.") for row in seen.rows), self._passed()
                seen.answers(outputs)
                loss: Tensor = self._objective(outputs, few, self._objective.counts(few))[0]
                return Figures(seen, _slopes(seen, loss, precision))
        finally:
            seen.begin()


def _shared(net: nn.Module, rows: bool) -> Iterator[Tensor]:
    """What a copy may read where it lies in the net."""
    for module in net.modules():
        if rows and isinstance(module, nn.Embedding) and module.sparse and module.max_norm is None:
            yield module.weight
        for name in getattr(module, "unchanging", ()):
            value = module._buffers.get(name)
            if value is not None:
                yield value


class Figures:
    """What a pass found, without its tensors and their graph. slopes: 0-d norms by the row's place."""

    def __init__(self, seen: Seen, slopes: dict[int, Tensor]) -> None:
        self._rows = [(row.layer, row.kind, row.call, row.output, math.prod(row.shape), row.last) for row in seen.rows]
        found: list[_Measured] = [row.measured for row in seen.rows]
        self._gates = [place for place, (_, _, beyond, _) in enumerate(found) if beyond is not None]
        self._slopes = list(slopes)
        beyonds = [beyond for _, _, beyond, _ in found if beyond is not None]
        self._values = _stacked(
            [*(m for m, _, _, _ in found), *(d for _, d, _, _ in found), *beyonds, *slopes.values()]
        )
        masks = [mask for _, _, _, mask in found if mask is not None]
        self._units = [0 if mask is None else len(mask) for _, _, _, mask in found]
        self._masks = torch.cat([mask.to(masks[0].device) for mask in masks]) if masks else None

    def read(self) -> tuple[LayerFigures, ...]:
        """In the order of the forward pass. Waits for the device."""
        rows, values = len(self._rows), self._values.tolist()
        beyond = dict(zip(self._gates, values[2 * rows :], strict=False))
        slopes = dict(zip(self._slopes, values[2 * rows + len(self._gates) :], strict=True))
        masks = np.empty(0, bool) if self._masks is None else self._masks.cpu().numpy()
        ends = itertools.accumulate(self._units)
        return tuple(
            LayerFigures(
                *row[:-1], values[place] / max(row[-2], 1), values[rows + place] / math.sqrt(max(row[-2], 1)), row[-1],
                np.packbits(masks[end - units : end]).tobytes() if units else b"", units, beyond.get(place), slopes.get(place),
            )
            for place, (row, units, end) in enumerate(zip(self._rows, self._units, ends, strict=True))
        )  # fmt: skip


_Measured = tuple[Tensor, Tensor, Tensor | None, Tensor | None]


def _measured(value: Tensor, family: str, units: int | None) -> _Measured:
    """(sum, norm of the distance from the mean, saturated share of a gate: 0-d float32; bool mask of silent units of ReLU and kin)."""
    if not value.numel():
        nothing = value.new_zeros((), dtype=torch.float32)
        return nothing, nothing, None, None
    plain = value.float()
    total = plain.sum()
    distance = torch.linalg.vector_norm(
        torch.sub(plain, total, alpha=1 / plain.numel())
    )  # many times faster than var_mean
    beyond = saturated(plain, family).float() if family in GATES else None
    return total, distance, beyond, silent(value, units) if family in RELU and units is not None else None


def _slopes(seen: Seen, loss: Tensor, precision: Precision) -> dict[int, Tensor]:
    """The norm of the loss's gradient with respect to each output on which it depends. Gradients of weights are not computed."""
    if not loss.requires_grad or not seen.edges:
        return {}
    scale = None if precision.scaler is None else precision.scaler.scale(loss.new_ones(()))
    slopes = torch.autograd.grad(loss if scale is None else loss * scale, list(seen.edges.values()), allow_unused=True)
    found = {place: slope for place, slope in zip(seen.edges, slopes, strict=True) if slope is not None}
    norms = torch._foreach_norm(list(found.values()), 2, torch.float32) if found else ()
    return {place: norm if scale is None else norm / scale for place, norm in zip(found, norms, strict=True)}


def _first(batch: Batch, count: int) -> Batch:
    """Copies of the first samples: layers that work in place must not change the step's. Without waiting for the device, but for
    ragged columns.
    """

    def some(value: Value) -> Value:
        if isinstance(value, Padded):
            return Padded(value.values[:count].clone(), value.sizes[:count].clone())
        if isinstance(value, Ragged):
            return Ragged(value.values[: int(value.offsets[count])].clone(), value.offsets[: count + 1].clone())
        return value[:count].clone()

    columns = {name: some(value) for name, value in batch.columns.items()}
    return Batch(columns, batch.inputs, batch.rows[:count], batch.keys[:count])


def _stacked(values: Sequence[Tensor]) -> Tensor:
    """0-d tensors as (N,) float32 on the device of the first."""
    return torch.stack([value.to(values[0].device) for value in values]) if values else torch.zeros(0)
