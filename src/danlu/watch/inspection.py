"""What a look at tensors and nets finds, as plain values that print themselves: in a terminal, in Jupyter, as JSON."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from danlu.messages import say
from danlu.nn.moments import Moments
from danlu.watch import grid
from danlu.watch.figures import figure, share, size
from danlu.watch.grid import Grid

_BARS = " ▁▂▃▄▅▆▇█"


class Inspection(ABC):
    """What ``danlu.inspect`` gives: plain values, which print themselves as a table."""

    @abstractmethod
    def grids(self) -> Sequence[Grid]:
        """Its tables."""

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it; NaN and infinity stand as text, which ``float`` reads."""
        found: dict[str, Any] = _plain(self)
        return found

    def __str__(self) -> str:
        return grid.text(self.grids())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return grid.html(self.grids())


@dataclass(frozen=True, repr=False)
class TensorInspection(Inspection):
    """One tensor. bytes: of its elements; storage: of the memory that it is a view into. layout: "contiguous", "channels_last",
    "channels_last_3d", "strided", "sparse_coo", … grad_fn: the operation that made it; "" of a leaf. figures: None where there are no
    values to read. note: what must be known of the figures. name: in a list or dict.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    layout: str
    strides: tuple[int, ...]
    bytes: int
    storage: int
    requires_grad: bool
    grad_fn: str
    figures: Moments | None
    note: str = ""

    def grids(self) -> Sequence[Grid]:
        strides = "×".join(map(str, self.strides)) or "–"
        memory = say("inspection.memory.figure", size=size(self.bytes), layout=self.layout, strides=strides)
        if self.storage > self.bytes:
            memory = say("inspection.memory.view", figure=memory, size=size(self.storage))
        made = say("inspection.autograd.made", name=self.grad_fn) if self.grad_fn else say("inspection.autograd.leaf")
        rows = [
            (say("inspection.shape"), shaped(self.shape)),
            (say("inspection.dtype"), self.dtype),
            (say("inspection.device"), self.device),
            (say("inspection.memory"), memory),
            (say("inspection.autograd"), made if self.requires_grad else say("inspection.autograd.none")),
        ]
        found = self.figures
        if found is not None and found.count:
            cells = figure_cells(found)
            rows += list(zip(figure_head(), cells, strict=True))
            quantiles = "  ".join(f"{100 * part:g} %: {figure(value)}" for part, value in found.quantiles)
            rows += [(say("inspection.quantiles"), quantiles), (say("inspection.histogram"), bars(found))]
        elif found is not None:
            rows.append((say("inspection.remarks"), say("inspection.no-values")))
        if self.note:
            rows.append((say("inspection.remarks"), self.note))
        return [Grid(self.name, (), tuple(rows), left=2)]


@dataclass(frozen=True, repr=False)
class Several(Inspection):
    """The tensors of a list, dict or batch, by their dotted names. left_out: names of what is no tensor."""

    entries: tuple[TensorInspection, ...]
    left_out: tuple[str, ...] = ()

    def grids(self) -> Sequence[Grid]:
        head = tuple(say(f"inspection.{name}") for name in ("name", "shape", "dtype", "device"))
        rows = [(e.name, shaped(e.shape), e.dtype, e.device, *cells_of(e.figures), e.note) for e in self.entries]
        total = say("inspection.several", count=len(rows), size=size(sum(e.bytes for e in self.entries)))
        notes = (say("inspection.left-out", names=", ".join(self.left_out)),) if self.left_out else ()
        return [Grid(total, (*head, *values_head()), tuple(rows), left=4, words=True, notes=notes)]


@dataclass(frozen=True, repr=False)
class WeightInspection(Inspection):
    """A parameter or a buffer. layer: its module's class. gradient: the norm of its gradient; None where there is none. ratio: that
    by the weight's norm. shared: other names under which the net holds it.
    """

    tensor: TensorInspection
    layer: str
    buffer: bool
    frozen: bool
    gradient: float | None
    ratio: float | None
    gradient_nan: int
    gradient_inf: int
    shared: tuple[str, ...]

    def grids(self) -> Sequence[Grid]:
        return self.tensor.grids()


@dataclass(frozen=True, repr=False)
class NetInspection(Inspection):
    """A net. parameters, trained, frozen, buffers: numbers of elements, shared ones counted once. bytes: of the parameters."""

    kind: str
    parameters: int
    trained: int
    frozen: int
    buffers: int
    bytes: int
    entries: tuple[WeightInspection, ...]

    def grids(self) -> Sequence[Grid]:
        counts = {name: f"{getattr(self, name):,}" for name in ("parameters", "trained", "frozen", "buffers")}
        title = say("inspection.net", kind=self.kind, size=size(self.bytes), **counts)
        head = (say("inspection.name"), say("inspection.kind"), say("inspection.shape"), say("inspection.dtype"))
        grown = any(entry.gradient is not None for entry in self.entries)
        slopes = (say("inspection.gradient-norm"), say("inspection.ratio")) if grown else ()
        rows = tuple(self._row(entry, grown) for entry in self.entries)
        notes = () if grown or not self.entries else (say("inspection.no-gradients"),)
        columns = (*head, *values_head()[:-1], say("inspection.norm"), *slopes, say("inspection.remarks"))
        return [Grid(title, columns, rows, left=4, words=True, notes=notes)]

    def _row(self, entry: WeightInspection, grown: bool) -> tuple[str, ...]:
        held, found = entry.tensor, entry.tensor.figures
        slopes = ["–" if value is None else figure(value) for value in (entry.gradient, entry.ratio)] if grown else []
        if grown and (entry.gradient_nan or entry.gradient_inf):
            slopes[0] += f" ({odd(entry.gradient_nan, entry.gradient_inf)})"
        said = [say("inspection.buffer")] if entry.buffer else [say("inspection.frozen")] if entry.frozen else []
        said += [say("inspection.shared", names=", ".join(entry.shared))] if entry.shared else []
        said += [held.note] if held.note else []
        norm = "–" if found is None else figure(found.norm)
        first = (held.name, entry.layer, shaped(held.shape), held.dtype)
        return (*first, *cells_of(found), norm, *slopes, ", ".join(said))


def shaped(shape: Sequence[int]) -> str:
    """(3, 32, 32), with * for a dimension of many sizes."""
    return "(" + ", ".join("*" if size < 0 else str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"


def bars(found: Moments) -> str:
    """The histogram as blocks between its ends: -1.2 ▁▃█▃▁ 1.4."""
    if not found.finite:
        return "–"
    most = max(found.histogram, default=0)
    row = "".join(_BARS[0 if not count else max(1, round(8 * count / most))] for count in found.histogram)
    return f"{figure(found.min)} {row} {figure(found.max)}"


def odd(nan: int, inf: int) -> str:
    """How many NaN and infinite values there are, in few characters."""
    return ", ".join(f"{count:,} {name}" for count, name in ((nan, "NaN"), (inf, "Inf")) if count) or "–"


def figure_head() -> tuple[str, ...]:
    names = ("mean", "std", "min", "max", "zeros", "odd")
    return tuple(say(f"inspection.{name}") for name in names)


def figure_cells(found: Moments) -> tuple[str, ...]:
    values = [
        f"{value:,}" if isinstance(value, int) else figure(value)
        for value in (found.mean, found.std, found.min, found.max)
    ]
    return (*values, share(found.zero_share), odd(found.nan, found.inf))


def values_head() -> tuple[str, ...]:
    return (*figure_head(), say("inspection.remarks"))


def cells_of(found: Moments | None) -> tuple[str, ...]:
    return ("–",) * 6 if found is None or not found.count else figure_cells(found)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
