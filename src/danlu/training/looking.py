"""Looks inside every n-th step of training: gradient, weight and update of each parameter, and what each layer gives out.

The step itself is only read: norms of its gradients and of its weights before and after the update. Layers are seen by doing a few of
its samples again on a copy of the net. Nothing that is computed in training can change (house rule 2). Numbers stay on the device until
the block of steps is told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.events import Captured, Event, LayerFigures, ParameterFigures, Said, Saving, Watcher
from danlu.training.nonfinite.culprits import take
from danlu.training.nonfinite.replay import eager
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.seeing import GATES, RELU, Seen, copied, replica, saturated, silent, undisturbed

SAMPLES = 16  # of a step's first micro-batch


@dataclass
class _Look:
    """One step's numbers, still on the device."""

    step: int
    epoch: int
    layers: Callable[[], tuple[LayerFigures, ...]]
    norms: list[Tensor] = field(default_factory=list)  # weights, gradients, updates: (P,) each


class Looks:
    """every: steps between two looks (step 1 is looked at too); 0, or nobody who wants them: none."""

    def __init__(self, net: nn.Module, objective: Objective, every: int, watchers: Sequence[Watcher]) -> None:
        self._watchers = [watcher for watcher in watchers if getattr(watcher, "wants_captures", False)]
        self._everybody = watchers
        self._every = every if self._watchers else 0
        self._net, self._objective = net, objective
        self._double: _Double | None = None
        self._blind = False
        self._parameters = dict(net.named_parameters()) if self._every else {}
        self._before: list[Tensor] = []
        self._open: _Look | None = None
        self._looks: list[_Look] = []

    def due(self, step: int) -> bool:
        """step: from 0."""
        return self._every > 0 and (step == 0 or (step + 1) % self._every == 0)

    @torch.no_grad()
    def before(self, batch: Batch, at: Position, precision: Precision, gradients: dict[nn.Parameter, Tensor]) -> None:
        """After the gradient chain, before the update. batch: the first micro-batch. gradients: norms, see ``GradientChain.norms``."""
        weights = [p.detach() for p in self._parameters.values()]
        if not self._before:
            self._before = [torch.empty_like(p) for p in weights]
        torch._foreach_copy_(self._before, weights)
        look = _Look(at.step, at.epoch, self._layers(batch, at, precision))
        nothing = torch.full((), math.nan, device=weights[0].device) if weights else torch.zeros(())
        if weights:
            slopes = [gradients.get(p, nothing) for p in self._parameters.values()]
            look.norms = [_stacked(torch._foreach_norm(self._before)), _stacked(slopes)]
        self._open = look

    @torch.no_grad()
    def after(self) -> None:
        """After the update (which the guard may have made an empty one)."""
        look, self._open = self._open, None
        if look is None:
            return
        if self._before:
            torch._foreach_sub_(self._before, [p.detach() for p in self._parameters.values()])
            look.norms.append(_stacked(torch._foreach_norm(self._before)))
        self._looks.append(look)

    def tell(self, refused: int | None = None) -> None:
        """What was seen since the last time. refused: the first step that the guard refused, which with all after it doesn't count."""
        looks, self._looks = self._looks, []
        for look in looks:
            if refused is None or look.step < refused:
                table = torch.stack(look.norms, 1).double().cpu().tolist() if look.norms else []
                event = Captured(look.step + 1, look.epoch, look.layers(), tuple(self._rows(table)))
                for watcher in self._watchers:
                    watcher.on(event)

    def saving(self, step: int, epoch: int) -> None:
        for watcher in self._watchers:
            watcher.on(Saving(step, epoch))

    def _rows(self, table: list[list[float]]) -> Iterable[ParameterFigures]:
        for (name, p), (weight, gradient, update) in zip(self._parameters.items(), table, strict=True):
            known = None if not p.requires_grad or math.isnan(gradient) else gradient
            yield ParameterFigures(name, p.numel(), p.ndim, p.requires_grad, weight, known, update)

    def _layers(self, batch: Batch, at: Position, precision: Precision) -> Callable[[], tuple[LayerFigures, ...]]:
        if self._blind:
            return tuple
        try:
            if self._double is None or not self._double.follows(self._net):
                self._double = _Double(self._net, self._objective)
            return self._double.see(batch, at, precision)
        except Exception as error:  # noqa: BLE001 - whatever somebody's net does with fewer samples must not end its training
            self._blind, self._double = True, None
            reason = str(error) if isinstance(error, DanluError) else f"{type(error).__name__}: {error}"
            text = say("training.blind", reason=reason.partition("\n")[0])
            event: Event = Said(at.step, at.epoch, text, "warning")
            for watcher in self._everybody:
                watcher.on(event)
            return tuple


class _Double:
    """A copy of the net that lives on: before it is run, it is given the net's weights and buffers of that moment."""

    def __init__(self, net: nn.Module, objective: Objective) -> None:
        self.net, self.objective = replica(net), copied(objective)
        self._mine, self._theirs = _held(self.net), _held(net)

    @torch.no_grad()
    def follows(self, net: nn.Module) -> bool:
        """Whether it could be brought to the net's state; not where tensors are others than when it was copied."""
        theirs = _held(net)
        same = len(theirs) == len(self._mine) and all(
            one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
            for one, other in zip(theirs, self._mine, strict=True)
        )
        if not same:
            return False
        torch._foreach_copy_([p.detach() for p in self._mine], [p.detach() for p in theirs])
        for mine, its in zip(self._mine, theirs, strict=True):
            if mine.requires_grad != its.requires_grad:
                mine.requires_grad_(its.requires_grad)
        return True

    def see(self, batch: Batch, at: Position, precision: Precision) -> Callable[[], tuple[LayerFigures, ...]]:
        few = take(batch, np.arange(min(SAMPLES, len(batch))))
        seen = Seen(self.net, _measured, _norm)
        with undisturbed(), torch.inference_mode(False), torch.enable_grad(), eager():
            reseed(at)
            with seen.layers.watched(), precision.autocast(), seen:
                outputs = self.net(*few.arguments())
            seen.answers(outputs)
            loss: Tensor = self.objective(outputs, few, self.objective.counts(few))[0]
            if loss.requires_grad:
                torch.autograd.backward(loss)
        for parameter in self.net.parameters():
            parameter.grad = None
        return _Told(seen).figures


class _Told:
    """The rows of a replay, without its tensors and their graph."""

    def __init__(self, seen: Seen) -> None:
        self._rows = [(row.layer, row.kind, row.call, row.output, row.last, math.prod(row.shape)) for row in seen.rows]
        self._units = [len(row.measured[1]) for row in seen.rows]
        self._gates = [row.family in GATES for row in seen.rows]
        self._sloped = [place in seen.slopes for place in range(len(seen.rows))]
        nothing = torch.full((), math.nan)
        table = [torch.cat([row.measured[0], seen.slopes.get(i, nothing.to(row.measured[0])).view(1)])
                 for i, row in enumerate(seen.rows)]  # fmt: skip
        self._table = torch.stack(table) if table else torch.zeros(0, 4)
        masks = [row.measured[1] for row in seen.rows]
        self._masks = torch.cat(masks) if masks else torch.zeros(0, dtype=torch.bool)

    def figures(self) -> tuple[LayerFigures, ...]:
        ends = list(itertools.accumulate(self._units))
        masks = np.split(self._masks.cpu().numpy(), ends[:-1]) if ends else []
        found = []
        for place, values in enumerate(self._table.double().cpu().tolist()):
            layer, kind, call, output, last, size = self._rows[place]
            mean, std, beyond, slope = values
            found.append(
                LayerFigures(
                    layer, kind, call, output, size, mean, std, last, np.packbits(masks[place]).tobytes(), self._units[place],
                    beyond if self._gates[place] else None, slope if self._sloped[place] else None,
                )
            )  # fmt: skip
        return tuple(found)


def _measured(value: Tensor, family: str, units: int | None) -> tuple[Tensor, Tensor]:
    """(mean, deviation, saturated share as (3,) float32; bool mask of silent units, empty for other layers)."""
    plain, nothing = value.detach().float(), torch.zeros((), device=value.device)
    mean = plain.mean() if plain.numel() else nothing
    deviation = torch.linalg.vector_norm(plain - mean) / math.sqrt(max(plain.numel(), 1))  # far faster than var_mean
    beyond = saturated(plain, family).float() if family in GATES and plain.numel() else nothing
    mask = silent(value, units) if family in RELU and units is not None else torch.zeros(0, dtype=torch.bool)
    return torch.stack([mean, deviation, beyond]), mask.to(value.device)


def _norm(slope: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(slope, dtype=torch.float32)
    return norm


def _held(net: nn.Module) -> list[Tensor]:
    net = getattr(net, "_orig_mod", net)
    return [*net.parameters(), *net.buffers()]


def _stacked(values: Sequence[Any]) -> Tensor:
    return torch.stack([value.float() for value in values])
