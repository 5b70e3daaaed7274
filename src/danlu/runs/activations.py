"""What ``danlu.inspect(net, inputs)`` gives: a table of what each layer gives out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from danlu.messages import say
from danlu.training.captures import Activation
from danlu.watch.figures import figure, share
from danlu.watch.grid import Grid
from danlu.watch.inspection import Inspection, cells_of, figure_head, shaped


@dataclass(frozen=True, repr=False)
class ActivationInspection(Inspection):
    """kind: the net's class. samples: that were run. training: whether in training mode. rows: in the order of the forward pass."""

    kind: str
    samples: int
    training: bool
    rows: tuple[Activation, ...]

    def grids(self) -> Sequence[Grid]:
        mode = say("inspection.mode.training") if self.training else say("inspection.mode.evaluation")
        title = say("inspection.activations", kind=self.kind, samples=self.samples, mode=mode)
        grown = any(row.gradient is not None for row in self.rows)
        head = [say(f"inspection.{name}") for name in ("name", "kind", "shape")]
        head += [*figure_head(), say("inspection.dead"), say("inspection.saturated")]
        head += [say("inspection.gradient-norm")] if grown else []
        return [Grid(title, tuple(head), tuple(_cells(row, grown) for row in self.rows), left=3)]


def _cells(row: Activation, grown: bool) -> tuple[str, ...]:
    name = row.layer or say("inspection.net-itself")
    name += f" [{row.output}]" if row.output else ""
    name += f" ({row.call + 1})" if row.call else ""
    shares = ["–" if value is None else share(value) for value in (row.dead, row.saturated)]
    slope = "–" if row.gradient is None else figure(row.gradient)
    slope += f" ({row.gradient_odd} NaN/Inf)" if row.gradient_odd else ""
    return (name, row.kind, shaped(row.shape), *cells_of(row.figures), *shares, *([slope] if grown else []))
