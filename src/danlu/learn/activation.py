"""Lesson: activations. One activation layer of a net is moved, stretched or exchanged on a copy, and a batch goes through."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.learn.asked import Asked
from danlu.learn.stage import Stage
from danlu.learn.structure import ACTIVATIONS
from danlu.messages import say
from danlu.nn.activations import ENTRIES, make_activation
from danlu.training.captures import activations

OWN = "own"
CHOICES = ("relu", "leaky-relu", "gelu", "silu", "tanh", "sigmoid")
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


@dataclass
class _Seen:
    """What passed; shared by copies of the net, so that the copy that runs tells the one that asks."""

    before: list[Tensor] = field(default_factory=list)
    after: list[Tensor] = field(default_factory=list)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Seen:
        return self


class Moved(nn.Module):
    """inner(gain·z + shift)."""

    def __init__(self, inner: nn.Module, shift: float, gain: float, seen: _Seen) -> None:
        super().__init__()
        self.inner, self.shift, self.gain, self.seen = inner, shift, gain, seen

    def forward(self, z: Tensor) -> Tensor:
        moved = z * self.gain + self.shift
        self.seen.before.append(moved.detach().clone())
        given: Tensor = self.inner(moved)
        self.seen.after.append(given.detach().clone())
        return given


def places(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """(dotted name, layer) of a net's activation layers. Raises DataError where it has none: then its forward calls functions."""
    found = [(name, module) for name, module in net.named_modules() if isinstance(module, ACTIVATIONS)]
    if not found:
        raise DanluError.of(type(net).__name__, say("learn.no-activations"), say("learn.use-builtin"))
    return found


def activation(stage: Stage, asked: ActivationAsked) -> dict[str, Any]:
    """One batch through the net as asked.

    layers: [{"name", "kind", "dead", "saturated", "gradient"}] of all activation layers (:class:`danlu.training.captures.Activation`).
    chosen: index. kind. curve: [[x, f(x), f'(x)]]. before, after: histograms {"low", "high", "counts"} of the layer's inputs and
    outputs. units: for each unit the share of samples (and places) for which it gives more than 0. dead: share of units that never do;
    saturated: None but for sigmoid and tanh; flat: share of values whose slope is below 0.05 in size. loss, and own_loss of the net
    as it is.
    """
    named = places(stage.net)
    chosen = min(asked.layer, len(named) - 1)
    name, module = named[chosen]
    if asked.name != OWN and asked.name not in ENTRIES:
        raise DanluError.of("", say("learn.no-activation", name=asked.name))
    inner = copy.deepcopy(module) if asked.name == OWN else make_activation(asked.name)
    seen = _Seen()
    net = copy.deepcopy(stage.net)
    batch = stage.batches[0]
    with torch.no_grad():
        own_loss = float(stage.loss(net, batch))
    net.set_submodule(name, Moved(inner, asked.shift, asked.gain, seen)) if name else None
    found: list[float] = []

    def loss(outputs: Any) -> Tensor:
        share, _ = stage.objective(outputs, batch, stage.objective.counts(batch))
        found.append(float(share.detach()))
        assert isinstance(share, Tensor)
        return share

    rows = {row.layer.removesuffix(".inner"): row for row in reversed(activations(net, batch.arguments(), loss=loss))}
    before, after = seen.before[0], seen.after[0]
    slopes = _slopes(inner, before.reshape(-1))
    shares = active(after)
    return {
        "layers": [
            {"name": each, "kind": row.kind, "dead": row.dead, "saturated": row.saturated, "gradient": row.gradient}
            for each, _ in named
            if (row := rows.get(each)) is not None
        ],
        "chosen": chosen,
        "name": name,
        "kind": type(inner).__name__,
        "shape": list(before.shape),
        "curve": _curve(inner),
        "before": _histogram(before),
        "after": _histogram(after),
        "units": shares[:UNITS],
        "dead": sum(share == 0 for share in shares) / len(shares),
        "saturated": rows[name].saturated if name in rows else None,
        "flat": float((slopes.abs() < FLAT).double().mean()),
        "loss": found[0],
        "own_loss": own_loss,
    }


def active(after: Tensor) -> list[float]:
    """For each unit the share of samples and places for which it gives more than 0. Units stand in dimension 1 of images."""
    unit = 1 if after.ndim == 4 else after.ndim - 1
    others = [dim for dim in range(after.ndim) if dim != unit]
    found: list[float] = (after > 0).double().mean(dim=others).tolist()
    return found


def _slopes(inner: nn.Module, values: Tensor) -> Tensor:
    """f'(value) of each, by autograd."""
    source = values.detach().clone().requires_grad_()
    (slopes,) = torch.autograd.grad(_alone(inner, source).sum(), source)
    return slopes


def _alone(inner: nn.Module, values: Tensor) -> Tensor:
    """The function on plain numbers; of one with a parameter for each channel, by the first channel's."""
    weight = getattr(inner, "weight", None)
    if isinstance(weight, Tensor):  # PReLU
        return torch.nn.functional.prelu(values, weight.detach()[:1])
    given: Tensor = copy.deepcopy(inner)(values)
    return given


def _curve(inner: nn.Module) -> list[list[float]]:
    x = torch.linspace(-REACH, REACH, POINTS)
    with torch.no_grad():
        y = _alone(inner, x)
    return torch.stack([x, y, _slopes(inner, x)], dim=1).tolist()


def _histogram(values: Tensor) -> dict[str, Any]:
    """Counts in equal bins over the finite values."""
    finite = values[values.isfinite()].double().reshape(-1)
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 1.0)
    if math.isclose(low, high, abs_tol=1e-12):
        low, high = low - 0.5, high + 0.5
    counts = torch.histc(finite, BINS, low, high).long().tolist()
    return {"low": low, "high": high, "counts": counts}
