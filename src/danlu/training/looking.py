"""Looks inside every n-th step of training: gradient, weight and update of each parameter, and what each layer gives out.

The step itself is only read: norms of its gradients and of its weights before and after the update. Layers are seen by doing a few of
its samples again on a copy of the net (:mod:`danlu.training.double`). Nothing that is computed in training can change (house rule 2).
Numbers stay on the device until the block of steps is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.messages import say
from danlu.nn.embedding.rows import coalesced
from danlu.randomness import Position
from danlu.training.double import Double, Figures
from danlu.training.events import Captured, Event, ParameterFigures, Said, Saving, Watcher
from danlu.training.objective import Objective
from danlu.training.precision import Precision


@dataclass
class _Look:
    """One step's numbers, still on the device.

    norms: of weights, gradients (-1 where there is none) and updates, P 0-d tensors each. scaled: gradients may have overflowed.
    """

    at: Position
    layers: Figures | None
    parameters: Mapping[str, nn.Parameter]
    scaled: bool
    norms: list[Sequence[Tensor]] = field(default_factory=list)


class _Kept(NamedTuple):
    """Weights before an update, which may be written over. rows: places of those that are kept; None: all are."""

    values: Tensor
    rows: Tensor | None = None


class Looks:
    """every: steps between two looks (step 1 is looked at too); 0, or nobody who wants them: none.

    rows: the optimiser moves the rows of a sparse gradient and no others, so that no more of a table need be kept to know its update.
    """

    def __init__(
        self, net: nn.Module, objective: Objective, every: int, watchers: Sequence[Watcher], rows: bool = False
    ) -> None:
        self._wanting = [watcher for watcher in watchers if getattr(watcher, "wants_captures", False)]
        self._everybody = watchers
        self._every = every if self._wanting else 0
        self._net: nn.Module = getattr(net, "_orig_mod", net)  # what torch.compile has wrapped
        self._objective, self._rows = objective, rows
        self._double: Double | None = None
        self._blind = False
        self._before: list[_Kept] = []
        self._open: _Look | None = None
        self._looks: list[_Look] = []

    def due(self, step: int) -> bool:
        """step: from 0."""
        return self._every > 0 and (step == 0 or (step + 1) % self._every == 0)

    @torch.no_grad()
    def before(self, batch: Batch, at: Position, precision: Precision, norms: Mapping[nn.Parameter, Tensor]) -> None:
        """After the gradient chain, before the update. batch: the first micro-batch. norms: see ``GradientChain.norms``."""
        figures = self._see(batch, at, precision)
        if self._double is not None:
            parameters, copies = self._double.parameters, self._double.weights
        else:
            parameters, copies = {name: p for name, p in self._net.named_parameters() if p.is_floating_point()}, {}
        self._before = [_kept(p, copies.get(name), self._rows) for name, p in parameters.items()]
        weights = [p.detach() for p in parameters.values()]
        nothing = weights[0].new_full((), -1.0) if weights else torch.zeros(())
        slopes = [norms.get(p, nothing) for p in parameters.values()]
        self._open = _Look(at, figures, parameters, precision.scaler is not None)
        self._open.norms += [torch._foreach_norm(weights), slopes] if weights else []

    @torch.no_grad()
    def after(self) -> None:
        """After the update (which the guard may have made an empty one)."""
        look, self._open = self._open, None
        if look is None:
            return
        if look.parameters:
            before = [kept.values for kept in self._before]
            now = (p.detach() for p in look.parameters.values())
            torch._foreach_sub_(
                before, [p if kept.rows is None else p[kept.rows] for kept, p in zip(self._before, now, strict=True)]
            )
            look.norms.append(torch._foreach_norm(before))
        self._before = []
        self._looks.append(look)

    def tell(self, refused: int | None = None) -> None:
        """What was seen since the last time. refused: the first step that the guard refused, which with all after it doesn't count."""
        looks, self._looks = self._looks, []
        for look in looks:
            if refused is not None and look.at.step >= refused:
                continue
            table = [torch.stack([norm.float() for norm in norms]).tolist() for norms in look.norms]
            if look.scaled and table and not all(map(math.isfinite, table[1])):
                continue  # a scaled gradient that overflowed: the step was left out, and the scale shrinks
            layers = look.layers.read() if look.layers is not None else ()
            event = Captured(look.at.step + 1, look.at.epoch, layers, tuple(_rows(look.parameters, table)))
            for watcher in self._wanting:
                watcher.on(event)

    def saving(self, step: int, epoch: int) -> None:
        for watcher in self._wanting:
            watcher.on(Saving(step, epoch))

    def _see(self, batch: Batch, at: Position, precision: Precision) -> Figures | None:
        if self._blind:
            return None
        try:
            if self._double is None or not self._double.follow():
                self._double = Double(self._net, self._objective, self._rows)
            return self._double.see(batch, at, precision)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever somebody's net does with fewer samples must not end its training
            if self._double is not None:
                self._double.end()
            self._blind, self._double = True, None
            reason = str(error) if isinstance(error, DanluError) else f"{type(error).__name__}: {error}"
            said: Event = Said(at.step, at.epoch, say("training.blind", reason=reason.partition("\n")[0]), "warning")
            for watcher in self._everybody:
                watcher.on(said)
            return None


def _kept(parameter: nn.Parameter, copy: Tensor | None, rows: bool) -> _Kept:
    """copy: its weights once more, where they weren't read in place. rows: see :class:`Looks`."""
    own, gradient = parameter.detach(), parameter.grad
    if copy is not None and (copy.data_ptr() != own.data_ptr() or not own.numel()):
        return _Kept(copy)
    if not rows or (gradient is not None and not (gradient.is_sparse and gradient.sparse_dim() == 1)):
        return _Kept(own.clone())
    place = torch.empty(0, dtype=torch.int64, device=own.device)  # without a gradient nothing moves
    if gradient is not None:
        place = coalesced(gradient)._indices()[0]
    return _Kept(own[place], place) if own.dim() else _Kept(own.clone())


def _rows(parameters: Mapping[str, nn.Parameter], table: list[list[float]]) -> Iterable[ParameterFigures]:
    for (name, p), (weight, gradient, update) in zip(parameters.items(), zip(*table, strict=True), strict=True):
        known = None if gradient < 0 else gradient
        yield ParameterFigures(name, p.numel(), p.ndim, p.requires_grad, weight, known, update)
