"""What the tests of exact accumulation share: cuts of an epoch, a net, an optimiser that notes gradients, and the proof itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.plan import Feed, Plan
from danlu.training.schedules.constant import Constant
from tests.training.feeds import Recorder

FEATURES = 5
Loss = Callable[[Any, Batch], Tensor]


@dataclass(frozen=True)
class Cut:
    """How an epoch is cut. sizes: of its micro-batches; accumulate: how many make a step; hidden: those in which nothing is known."""

    sizes: tuple[int, ...]
    accumulate: int
    hidden: tuple[int, ...] = ()


CUTS = {
    "whole": Cut((6, 6), 1),
    "halves": Cut((4, 4, 4, 4), 2),
    "thirds, a short last window": Cut((3, 3, 3, 3), 3),
    "five uneven, then two": Cut((1, 7, 2, 5, 3, 4, 1), 5),
    "nothing known in one": Cut((2, 5, 3), 3, (1,)),
    "nothing known in a window": Cut((3, 2, 3, 3), 2, (0, 1)),
    "nothing known in the short last": Cut((3, 3, 2), 2, (2,)),
}


class Pieces:
    """A feed of the micro-batches it is given."""

    def __init__(self, micros: Sequence[Batch]) -> None:
        self.micros = micros

    def __len__(self) -> int:
        return len(self.micros)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        yield from self.micros[start:]


class Gradients(torch.optim.Optimizer):
    """An optimiser that writes down what it is given, and moves nothing."""

    def __init__(self, groups: Any, seen: list[dict[nn.Parameter, Tensor]]) -> None:
        super().__init__(groups, {})
        self.seen = seen

    def step(self, closure: Any = None) -> None:
        self.seen.append(
            {p: p.grad.clone() for group in self.param_groups for p in group["params"] if p.grad is not None}
        )


class Shaped(nn.Module):
    """(B, FEATURES) → (B, *shape), of layers that mix no samples."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        torch.manual_seed(3)
        width = int(np.prod(shape, dtype=int))
        self.layers = nn.Sequential(
            nn.Linear(FEATURES, 7), nn.LayerNorm(7), nn.Tanh(), nn.GroupNorm(1, 7), nn.Linear(7, width)
        )
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).reshape(len(x), *self.shape)


def cut(columns: dict[str, Tensor], inputs: tuple[str, ...], sizes: Sequence[int]) -> list[Batch]:
    edges = np.cumsum([0, *sizes])
    return [
        Batch({name: value[low:high] for name, value in columns.items()}, inputs, np.arange(low, high))
        for low, high in pairwise(edges.tolist())
    ]


def joined(micros: Sequence[Batch]) -> Batch:
    columns = {name: torch.cat([columns_of(micro, name)[0] for micro in micros]) for name in micros[0].columns}
    return replace(micros[0], columns=columns, rows=np.concatenate([micro.rows for micro in micros]))


def columns_of(batch: Batch, *names: str) -> list[Tensor]:
    """Columns that are plain tensors."""
    found = [batch[name] for name in names]
    assert all(isinstance(value, Tensor) for value in found)
    return found  # type: ignore[return-value]


def windows(micros: Sequence[Batch], accumulate: int) -> list[Batch]:
    """The effective batches, each as one."""
    return [joined(micros[first : first + accumulate]) for first in range(0, len(micros), accumulate)]


def prove(
    net: nn.Module, objective: Objective, loss: Loss, feed: Feed, whole: Sequence[Batch], **plan: Any
) -> Recorder:
    """Train one epoch of steps that move nothing; each gradient given to the optimiser must be the textbook's of the whole window.

    loss: of (outputs, batch), with torch alone; NaN where nothing is known. whole: the effective batches. plan: what else a Plan says.
    The reported losses, norms and penalties must be the textbook's too.
    """
    seen: list[dict[nn.Parameter, Tensor]] = []
    recorder = Recorder()
    chosen = Plan(epochs=1, optimizer=lambda groups, **_: Gradients(groups, seen), schedule=Constant(), **plan)
    fit(net, objective, feed, chosen, watchers=[recorder])
    assert len(seen) == len(whole)
    parameters = list(net.parameters())
    losses, norms = [], []
    for given, window in zip(seen, whole, strict=True):
        value, expected, norm = textbook(net, loss, window, chosen.clip_norm, chosen.l1)
        largest = max(float(gradient.abs().max()) for gradient in expected)
        for parameter, gradient in zip(parameters, expected, strict=True):
            ours = given.get(parameter, torch.zeros_like(gradient))
            torch.testing.assert_close(ours, gradient, rtol=1e-12, atol=1e-12 * largest)
        losses.append(value)
        norms.append(norm)
    assert recorder.curve("train/loss") == pytest.approx(losses, rel=1e-12, abs=1e-14)
    assert recorder.curve("grad_norm") == pytest.approx(norms, rel=1e-12, abs=1e-14)
    if chosen.l1:
        size = chosen.l1 * sum(float(p.detach().abs().sum()) for p in parameters if p.ndim > 1)
        assert recorder.curve("train/l1") == pytest.approx([size] * len(whole), rel=1e-12)
    return recorder


def textbook(
    net: nn.Module, loss: Loss, batch: Batch, clip: float | None, l1: float
) -> tuple[float, list[Tensor], float]:
    """(loss, gradients of the net's parameters after clipping and penalty, their norm before), by torch alone."""
    parameters = list(net.parameters())
    value = loss(net(*batch.arguments()), batch)
    if value.isnan():  # nothing is known
        value = torch.stack([(parameter * 0).sum() for parameter in parameters]).sum()
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in parameters]
    gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
    for copy, gradient in zip(copies, gradients, strict=True):
        copy.grad = gradient.clone()
    norm = float(torch.nn.utils.get_total_norm(gradients))
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(copies, clip)
    if l1:  # of matrices and kernels alone
        (l1 * torch.stack([copy.abs().sum() for copy in copies if copy.ndim > 1]).sum()).backward()
    return float(value.detach()), [copy.grad for copy in copies if copy.grad is not None], norm
