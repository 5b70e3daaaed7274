"""Two tensors, batches or nets side by side: how far their values are apart, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.errors import DataError
from danlu.messages import say
from danlu.nn.moments import BLOCK, blocks
from danlu.watch.examination import leaves, refused
from danlu.watch.figures import figure
from danlu.watch.grid import Grid
from danlu.watch.inspection import Inspection, shaped

_EXACT = 2.0**52  # int64 differences below it are told exactly


@dataclass(frozen=True, repr=False)
class Difference(Inspection):
    """Two tensors a and b of the same shape.

    absolute: greatest |a - b| at index ``absolute_at``; relative: greatest |a - b| / max(|a|, |b|), in [0, 2]. Infinities of one sign
    at the same place, and NaN beside NaN, are equal. odd: places where only one is NaN, or the infinities differ; they stand in neither
    figure. unequal: places that differ, odd ones too. note: why there are no figures (None), or that the dtypes differ.
    """

    name: str
    shape: tuple[int, ...]
    count: int
    unequal: int | None
    odd: int | None
    absolute: float | None
    absolute_at: tuple[int, ...]
    relative: float | None
    relative_at: tuple[int, ...]
    note: str = ""

    def grids(self) -> Sequence[Grid]:
        rows = list(zip(_head(), self.cells(), strict=True))
        return [Grid(self.name, (), tuple(rows[1:] if not self.name else rows), left=2)]

    def cells(self) -> tuple[str, ...]:
        if self.unequal is None or self.odd is None:
            return (self.name, shaped(self.shape), "–", "–", "–", self.note)
        said = [say("inspection.odd-places", count=self.odd)] if self.odd else []
        said += [say("inspection.equal")] if not self.unequal else []
        said += [self.note] if self.note else []
        unequal = say("inspection.unequal.figure", count=f"{self.unequal:,}", total=f"{self.count:,}")
        places = (_place(self.absolute, self.absolute_at), _place(self.relative, self.relative_at))
        return (self.name, shaped(self.shape), *places, unequal, "; ".join(said))


@dataclass(frozen=True, repr=False)
class Differences(Inspection):
    """The tensors of two collections by name; those that differ most stand first when printed."""

    entries: tuple[Difference, ...]

    def grids(self) -> Sequence[Grid]:
        def weight(entry: Difference) -> tuple[bool, int, float]:
            return entry.unequal is not None, -(entry.odd or 0), -(entry.absolute or 0.0)

        ordered = sorted(self.entries, key=weight)
        return [Grid("", _head(), tuple(entry.cells() for entry in ordered), left=2, words=True)]


def compare(first: Any, second: Any) -> Difference | Differences:
    """Two tensors or arrays; or the tensors of two nets, batches, lists or dicts, by name. Raises DataError for anything else."""
    alone = _alone(first), _alone(second)
    if all(value is not None for value in alone):
        return difference(*alone)  # type: ignore[arg-type]
    if any(value is not None for value in alone):
        kinds = type(first).__name__, type(second).__name__
        raise DataError.of("inspect", say("inspection.two-kinds", first=kinds[0], second=kinds[1]))
    mine, theirs = _named(first), _named(second)
    if not mine and not theirs:
        raise refused(type(first).__name__)
    found = []
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        one, other = mine.get(name), theirs.get(name)
        if one is not None and other is not None:
            found.append(difference(one, other, name))
        else:
            only = say("inspection.only-second") if one is None else say("inspection.only-first")
            there = other if one is None else one
            assert there is not None
            found.append(_without_figures(name, there, only))
    return Differences(tuple(found))


def difference(first: Tensor, second: Tensor, name: str = "", block: int = BLOCK) -> Difference:
    """Read by blocks, in float64; integers are compared as integers."""
    first, second = first.detach(), second.detach()
    if first.shape != second.shape:
        shapes = {"first": shaped(tuple(first.shape)), "second": shaped(tuple(second.shape))}
        return _without_figures(name, first, say("inspection.other-shape", **shapes))
    if not (_plain(first) and _plain(second)):
        return _without_figures(name, first, say("inspection.no-figures"))
    same = first.dtype == second.dtype
    kinds = (str(first.dtype).removeprefix("torch."), str(second.dtype).removeprefix("torch."))
    note = "" if same else say("inspection.other-dtype", first=kinds[0], second=kinds[1])
    unequal = odd = start = 0
    absolute = relative = (0.0, -1)
    for a, b in zip(blocks(first, block), blocks(second, block), strict=True):
        apart, larger, strange = _apart(a.cpu(), b.cpu())
        unequal += int(((apart != 0) | strange).sum())
        odd += int(strange.sum())
        absolute = _greater(absolute, apart, start)
        relative = _greater(relative, torch.where(apart > 0, apart / larger, 0.0), start)
        start += len(a)
    places = [tuple(map(int, np.unravel_index(at, first.shape))) if at >= 0 else () for _, at in (absolute, relative)]
    return Difference(
        name, tuple(first.shape), start, unequal, odd, absolute[0], places[0], relative[0], places[1], note
    )  # fmt: skip


def _apart(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(|a - b|, max(|a|, |b|), where they can't be subtracted), each (n,)."""
    if a.is_complex() or b.is_complex():
        x, y = a.to(torch.complex128), b.to(torch.complex128)
    else:
        x, y = a.to(torch.float64), b.to(torch.float64)
    both = (x == y) | (x.isnan() & y.isnan())
    strange = ~both & ~(x.isfinite() & y.isfinite())
    apart = torch.where(both | strange, 0.0, (x - y).abs())
    if not (a.is_floating_point() or a.is_complex() or b.is_floating_point() or b.is_complex()):
        exact = (a.to(torch.int64) - b.to(torch.int64)).abs().double()  # uint64 wraps, and so does the difference back
        apart = torch.where(apart < _EXACT, exact, apart)
    return apart, torch.maximum(x.abs(), y.abs()), strange


def _greater(known: tuple[float, int], values: Tensor, start: int) -> tuple[float, int]:
    value, at = values.max(0)
    return (float(value), start + int(at)) if float(value) > known[0] else known


def _plain(tensor: Tensor) -> bool:
    try:
        return not tensor.is_meta and tensor.layout is torch.strided and not tensor.is_nested and _reads(tensor)
    except NotImplementedError:
        return False


def _reads(tensor: Tensor) -> bool:
    tensor.reshape(-1)[:1].to(torch.complex128 if tensor.is_complex() else torch.float64)
    return not tensor.is_quantized


def _alone(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return torch.from_numpy(np.array(value, value.dtype.newbyteorder("=")))
    return None


def _named(value: Any) -> Mapping[str, Tensor]:
    """Its tensors and arrays by dotted name."""
    found = value.state_dict() if isinstance(value, nn.Module) else dict(leaves(value))
    return {name: tensor for name, leaf in found.items() if (tensor := _alone(leaf)) is not None}


def _without_figures(name: str, tensor: Tensor, note: str) -> Difference:
    return Difference(name, tuple(tensor.shape), tensor.numel(), None, None, None, (), None, (), note)


def _head() -> tuple[str, ...]:
    names = ("name", "shape", "absolute", "relative", "unequal", "remarks")
    return tuple(say(f"inspection.{name}") for name in names)


def _place(value: float | None, index: tuple[int, ...]) -> str:
    if value is None or math.isnan(value):
        return "–"
    return say("inspection.where", value=figure(value), index=list(index)) if index else figure(value)
