"""Lesson: activations. One activation layer of a net is moved, stretched or exchanged on a copy, and a batch goes through."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.learn.asked import Asked
from danlu.learn.stage import Stage, finite
from danlu.learn.structure import ACTIVATIONS
from danlu.learn.threads import on_threads
from danlu.messages import say
from danlu.nn.activations import ENTRIES, make_activation
from danlu.randomness import Position
from danlu.training.nonfinite.replay import eager
from danlu.training.randomness import reseed
from danlu.training.seeing import GATES, RELU, Seen, cloned, replica, saturated, silent, undisturbed

OWN = "own"
REACH = 5.0  # of the drawn function
POINTS = 121
BINS = 36
UNITS = 96  # that are drawn, at most
FLAT = 0.05  # a slope below this passes next to nothing back


class ActivationAsked(Asked):
    """layer: index into the net's activation layers. name: what stands there, "own" for the net's own. What comes in, z, becomes
    gain·z + shift.
    """

    layer: Annotated[int, Field(ge=0, le=999)] = 0
    name: Annotated[str, Field(max_length=20)] = OWN
    shift: Annotated[float, Field(ge=-6, le=6)] = 0.0
    gain: Annotated[float, Field(ge=0.1, le=5)] = 1.0


class Moved(nn.Module):
    """inner(gain·z + shift), keeping what came in and what was given, call by call."""

    def __init__(self, inner: nn.Module, shift: float, gain: float) -> None:
        super().__init__()
        self.inner, self.shift, self.gain = inner, shift, gain
        self.before: list[Tensor] = []
        self.after: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        moved = z * self.gain + self.shift
        self.before.append(moved.detach().clone())  # the inner layer may work in place
        given: Tensor = self.inner(moved)
        self.after.append(given.detach().clone())
        return given


class _Passed(NamedTuple):
    """What is kept of an output. units: the dimension that they stand in."""

    dead: float | None
    saturated: float | None
    units: int | None


@dataclass(frozen=True)
class _Row:
    kind: str
    passed: _Passed
    gradient: float | None


def places(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """(dotted name, layer) of a net's activation layers. Raises DanluError where it has none: then its forward calls functions."""
    found = [(name, module) for name, module in net.named_modules() if name and isinstance(module, ACTIVATIONS)]
    if not found:
        raise DanluError.of("", say("learn.no-activations"), say("learn.use-builtin"))
    return found


def activation(stage: Stage, asked: ActivationAsked) -> dict[str, Any]:
    """One batch through the net as asked.

    layers: [{"name", "kind", "dead", "saturated", "gradient"}] of all activation layers, as :class:`danlu.training.captures.Activation`
    has them; all None of one that the batch does not pass. chosen: index. kind. curve: [[x, f(x), f'(x)]]. before, after: histograms
    {"low", "high", "counts"} of the layer's inputs and outputs. units: for each unit the share of samples (and places) for which it
    gives more than 0. dead: share of units that never do. saturated: None but for sigmoid and tanh. flat: share of values whose slope
    is below 0.05 in size. loss, and own_loss of the net as it is; None where it is not finite. A layer that is called several times is
    shown in its first call. Raises DanluError where the net has no such layers or does not pass the chosen one.
    """
    with undisturbed(), on_threads(stage.threads):
        return _activation(stage, asked)


def _activation(stage: Stage, asked: ActivationAsked) -> dict[str, Any]:
    named = places(stage.net)
    chosen = min(asked.layer, len(named) - 1)
    name, module = named[chosen]
    if asked.name != OWN and asked.name not in ENTRIES:
        raise DanluError.of("", say("learn.no-activation", name=asked.name))
    inner = copy.deepcopy(module) if asked.name == OWN else make_activation(asked.name).eval()
    net = replica(stage.net)
    with torch.no_grad():
        own_loss = finite(stage.loss(net, stage.batches[0]))
    moved = Moved(inner, asked.shift, asked.gain)
    net.set_submodule(name, moved)
    rows, loss = _pass(stage, net)
    if not moved.after:
        raise DanluError.of("", say("learn.not-passed", name=name), say("learn.other-layer"))
    before, after = moved.before[0], moved.after[0]
    row = rows[f"{name}.inner"]
    shares = active(after, row.passed.units)
    return {
        "layers": [_told(each, kind, rows.get(f"{name}.inner" if each == name else each)) for each, kind in named],
        "chosen": chosen,
        "name": name,
        "kind": type(inner).__name__,
        "shape": list(before.shape),
        "curve": _curve(inner),
        "before": _histogram(before),
        "after": _histogram(after),
        "units": shares[:UNITS],
        "dead": sum(share == 0 for share in shares) / len(shares),
        "saturated": row.passed.saturated,
        "flat": float((_slopes(inner, before).abs() < FLAT).double().mean()),
        "loss": loss if math.isfinite(loss) else None,
        "own_loss": own_loss,
        "samples": len(stage.batches[0]),
    }


def active(after: Tensor, units: int | None) -> list[float]:
    """For each unit the share of samples and places for which it gives more than 0. units: the dimension that they stand in; None:
    each value is one.
    """
    alive = (after > 0).double()
    if units is None:
        return alive.reshape(-1).tolist()  # type: ignore[no-any-return]
    others = [dim for dim in range(after.ndim) if dim != units]
    return (alive.mean(dim=others) if others else alive).tolist()  # type: ignore[no-any-return]


def _pass(stage: Stage, net: nn.Module) -> tuple[dict[str, _Row], float]:
    """(layer → its first output, loss) of the first batch, forward and back."""
    seen = Seen(net, _measured, _norm)
    batch = stage.batches[0]
    with torch.enable_grad(), eager():
        reseed(Position(stage.plan.seed))
        given = cloned(batch.arguments())
        with seen:
            outputs = net(*given)
        loss = stage.judged(outputs, batch)
        if loss.requires_grad:  # not where everything is frozen
            torch.autograd.backward(loss)
    rows: dict[str, _Row] = {}
    for place, noted in enumerate(seen.rows):
        rows.setdefault(noted.layer, _Row(noted.kind, noted.measured, seen.slopes.get(place)))
    return rows, float(loss.detach())


def _measured(value: Tensor, family: str, units: int | None) -> _Passed:
    dead = float(silent(value, units).double().mean()) if family in RELU and units is not None else None
    return _Passed(dead, float(saturated(value, family)) if family in GATES and value.numel() else None, units)


def _norm(slope: Tensor) -> float | None:
    norm = float(torch.linalg.vector_norm(slope, dtype=torch.float64))
    return norm if math.isfinite(norm) else None


def _told(name: str, module: nn.Module, row: _Row | None) -> dict[str, Any]:
    if row is None:
        return {"name": name, "kind": type(module).__name__, "dead": None, "saturated": None, "gradient": None}
    passed = row.passed
    return {
        "name": name,
        "kind": row.kind,
        "dead": passed.dead,
        "saturated": passed.saturated,
        "gradient": row.gradient,
    }


def _slopes(inner: nn.Module, values: Tensor) -> Tensor:
    """f'(value) of each, by autograd."""
    source = values.detach().clone().requires_grad_()
    with torch.enable_grad():
        given = copy.deepcopy(inner)(source + 0)  # which a layer that works in place may change
    (slopes,) = torch.autograd.grad(given.sum(), source)
    return slopes


def _curve(inner: nn.Module) -> list[list[float]]:
    """Of a layer with a parameter for each channel the first channel's."""
    x = torch.linspace(-REACH, REACH, POINTS)
    alone = copy.deepcopy(inner)
    for name, parameter in list(alone.named_parameters(recurse=False)):
        setattr(alone, name, nn.Parameter(parameter.detach().reshape(-1)[:1]))
    with torch.no_grad():
        y = alone(x.clone())
    found: list[list[float]] = torch.stack([x, y, _slopes(alone, x)], dim=1).tolist()
    return found


def _histogram(values: Tensor) -> dict[str, Any]:
    """Counts in equal bins over the finite values."""
    sound = values[values.isfinite()].double().reshape(-1)
    low, high = (float(sound.min()), float(sound.max())) if sound.numel() else (0.0, 1.0)
    if math.isclose(low, high, abs_tol=1e-12):
        low, high = low - 0.5, high + 0.5
    counts = torch.histc(sound, BINS, low, high).long().tolist()
    return {"low": low, "high": high, "counts": counts}
