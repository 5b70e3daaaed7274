"""An epoch's effective batches, with what the plan's transforms make of them.

Of small batches a transform costs what its calls cost, most of all where a net's pass has swept its code from the processor's caches.
So where the transforms only copy values, or there are none, some batches that lie in memory are fetched, and transformed, together, and
their targets counted one after the other; no bit can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.plan import Feed, Plan, transformed

_MOST = 1 << 20  # bytes that are transformed at once: they are to stay near until they are used
_WINDOWS = 16


class Window(NamedTuple):
    """An effective batch: its micro-batches as they came and as the transforms made them, and the latter's counts (see
    :meth:`danlu.training.objective.Objective.counts`), none where nobody counts.
    """

    batches: list[Batch]
    micros: list[Batch]
    counts: list[Tensor]


class Windows:
    """Effective batches of one feed. waited: is told of each, as it comes, how many seconds it was waited for; 0 where it was there.

    counts: of a micro-batch, from its targets alone. joined: how many are transformed together, as far as one can tell.
    """

    def __init__(
        self,
        batches: Feed,
        plan: Plan,
        waited: Callable[[float], None],
        counts: Callable[[Batch], Tensor] | None = None,
    ) -> None:
        self._batches, self._plan, self._waited, self._counts = batches, plan, waited, counts
        copying = all(getattr(each, "copies", False) for each in plan.transforms)
        self._joins = copying and plan.device.type == "cpu" and bool(getattr(batches, "instant", False))
        self.joined = 1

    def epoch(self, epoch: int, start: int, step: Callable[[], int]) -> Iterator[Window]:
        """Up to ``plan.accumulate`` micro-batches each time, from the ``start``-th on.

        step: asked, when they are about to be used, which optimiser step it is.
        """
        source, size, count = iter(self._batches.epoch(epoch, start)), self._plan.accumulate, 1
        while True:
            began = time.perf_counter()
            some = list(islice(source, size * count))
            self._waited(time.perf_counter() - began)
            if not some:
                return
            together = self._together(some, epoch) if count > 1 else None
            counts = self._counted(together or ())
            for first in range(0, len(some), size):
                if first:
                    self._waited(0.0)
                batches, own = some[first : first + size], slice(first, first + size)
                if together is not None:
                    yield Window(batches, together[own], counts[own])
                else:
                    at = Position(self._plan.seed, epoch, step())
                    made = [transformed(batch, at, self._plan) for batch in batches]
                    yield Window(batches, made, self._counted(made))
            if self._joins:
                count = self.joined = max(1, min(_WINDOWS, _MOST // max(1, sum(map(_nbytes, some[:size])))))

    def _counted(self, made: Sequence[Batch]) -> list[Tensor]:
        return [self._counts(batch) for batch in made] if self._counts is not None else []

    def _together(self, some: Sequence[Batch], epoch: int) -> list[Batch] | None:
        """Several batches transformed at once; None where they can't lie in one block."""
        if not self._plan.transforms:
            return list(some)
        if len(some) < 2 or not all(_alike(some[0], batch) for batch in some):
            return None
        columns = {name: torch.cat([batch.columns[name] for batch in some]) for name in some[0].columns}  # type: ignore[misc]
        rows, keys = (np.concatenate([getattr(batch, name) for batch in some]) for name in ("rows", "keys"))
        whole = transformed(Batch(columns, some[0].inputs, rows, keys), Position(self._plan.seed, epoch), self._plan)
        parts = {name: value.split(list(map(len, some))) for name, value in whole.columns.items()}  # type: ignore[union-attr]
        shares = zip(some, *parts.values(), strict=True)
        return [
            Batch(dict(zip(parts, values, strict=True)), batch.inputs, batch.rows, batch.keys)
            for batch, *values in shares
        ]


def _nbytes(batch: Batch) -> int:
    return sum(tensor.nbytes for tensor in batch.tensors())


def _alike(one: Batch, other: Batch) -> bool:
    """Whether both are plain tensors that differ in their number of samples alone."""
    if one.partners or other.partners or one.columns.keys() != other.columns.keys():
        return False
    for name, value in one.columns.items():
        its = other.columns[name]
        if not (isinstance(value, Tensor) and isinstance(its, Tensor)):
            return False
        if (value.dtype, value.shape[1:], value.stride()[1:]) != (its.dtype, its.shape[1:], its.stride()[1:]):
            return False
    return True
