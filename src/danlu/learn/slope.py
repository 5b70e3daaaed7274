"""Lesson: forward, backward, chain rule, on a whole net: what each layer gives, how strongly the loss depends on it, and one weight."""

from __future__ import annotations

import copy
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.learn.asked import Asked
from danlu.learn.stage import Stage, doubled
from danlu.messages import say
from danlu.training.captures import activations

SAMPLES = 8
POINTS = 21
LAYERS = 64  # that are told of, at most
NUDGE = 1e-6  # of the central difference in double precision


class SlopeAsked(Asked):
    """parameter: index into the net's trained tensors that have a weight for each connection (two dimensions or more)."""

    parameter: Annotated[int, Field(ge=0, le=9999)] = 0


def slope(stage: Stage, asked: SlopeAsked) -> dict[str, Any]:
    """A forward and a backward pass with a few samples, in double precision where the net takes it.

    layers: [{"name", "kind", "shape", "size" (root mean square of the output), "gradient" (norm)}] in forward order. parameters: names.
    chosen; place: index of the weight with the greatest gradient in it; weight, gradient, measured (central difference), loss.
    curve: [[weight, loss]] while only this weight changes. exact: whether in double precision.
    """
    few = _first(stage.batches[0], SAMPLES)
    net, batch, exact = _doubled(stage, few)
    named = [(name, p) for name, p in net.named_parameters() if p.requires_grad and p.ndim > 1]
    if not named:
        raise DanluError.of("", say("learn.no-weights"), say("learn.use-builtin"))
    chosen = min(asked.parameter, len(named) - 1)
    name, parameter = named[chosen]
    net.zero_grad(set_to_none=True)
    loss = stage.loss(net, batch)
    torch.autograd.backward(loss)
    assert parameter.grad is not None
    flat = parameter.grad.detach().contiguous().reshape(-1)
    place = int(flat.abs().argmax())
    gradient, index = float(flat[place]), _index(place, parameter.shape)
    here = float(parameter.detach()[index])

    def at(value: float) -> float:
        with torch.no_grad():
            parameter[index] = value
            found = float(stage.loss(net, batch))
            parameter[index] = here
        return found

    reach = max(1.0, 2 * abs(here))
    nudge = NUDGE if exact else 1e-2
    places = torch.linspace(here - reach, here + reach, POINTS, dtype=torch.float64).tolist()

    def goal(outputs: Any) -> Tensor:
        share, _ = stage.objective(outputs, batch, stage.objective.counts(batch))
        assert isinstance(share, Tensor)
        return share

    rows = activations(net, batch.arguments(), loss=goal)
    return {
        "layers": [
            {
                "name": row.layer,
                "kind": row.kind,
                "shape": list(row.shape[1:]),
                "size": (row.figures.mean**2 + row.figures.std**2) ** 0.5,
                "gradient": row.gradient,
            }
            for row in rows[:LAYERS]
        ],
        "parameters": [each for each, _ in named],
        "chosen": chosen,
        "name": name,
        "place": list(index),
        "weight": here,
        "gradient": gradient,
        "measured": (at(here + nudge) - at(here - nudge)) / (2 * nudge),
        "loss": float(loss.detach()),
        "curve": [[value, at(value)] for value in places],
        "samples": len(batch),
        "exact": exact,
    }


def _first(batch: Batch, count: int) -> Batch:
    import numpy as np

    from danlu.training.nonfinite.culprits import take

    return take(batch, np.arange(min(count, len(batch))))


def _doubled(stage: Stage, batch: Batch) -> tuple[nn.Module, Batch, bool]:
    """(a copy of the net, the batch, True) in double precision; as they are where the net asks for single."""
    net, wide = copy.deepcopy(stage.net).double(), doubled(batch)
    try:
        with torch.no_grad():
            stage.loss(net, wide)
    except RuntimeError:  # a dtype that the net's own code fixes
        return copy.deepcopy(stage.net), batch, False
    return net, wide, True


def _index(place: int, shape: torch.Size) -> tuple[int, ...]:
    found: list[int] = []
    for size in reversed(shape):
        found.append(place % size)
        place //= size
    return tuple(reversed(found))
