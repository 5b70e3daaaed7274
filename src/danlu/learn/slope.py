"""Lesson: forward, backward, chain rule, on a whole net: what each layer gives, how strongly the loss depends on it, and one weight."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import torch
from pydantic import Field

from danlu.errors import DanluError
from danlu.learn.asked import Asked
from danlu.learn.limits import Limit, least_seconds
from danlu.learn.stage import Stage, doubled, finite
from danlu.learn.threads import on_threads
from danlu.messages import say
from danlu.randomness import Position
from danlu.training.captures import activations
from danlu.training.seeing import copied, replica, undisturbed

SAMPLES = 8
POINTS, FEWEST = 21, 5
BUDGET = 4.0  # seconds that the curve may take
LAYERS = 64  # that are told of, at most
NUDGE, ROUGH = 1e-6, 1e-2  # of the central difference in double precision, in single


class SlopeAsked(Asked):
    """parameter: index into the net's trained tensors that have a weight for each connection (two dimensions or more)."""

    parameter: Annotated[int, Field(ge=0, le=9999)] = 0


def slope(stage: Stage, asked: SlopeAsked, limit: Limit | None = None) -> dict[str, Any]:
    """A forward and a backward pass with a few samples, in double precision where the net takes it.

    layers: [{"name", "kind", "shape", "size" (root mean square of the output), "gradient" (norm)}] in forward order. parameters: names.
    chosen; place: index of the weight with the greatest gradient in it; weight, gradient, measured (central difference), loss.
    curve: [[weight, loss]] while only this weight changes; fewer points where the net is slow. exact: whether in double precision.
    Raises DanluError where the net trains no such tensor, its loss is not finite, or the limit is over.
    """
    with undisturbed(), on_threads(stage.threads):
        return _slope(stage, asked, limit or Limit())


def _slope(stage: Stage, asked: SlopeAsked, limit: Limit) -> dict[str, Any]:
    played, exact = _precise(stage.smaller(SAMPLES))
    net, batch = played.net, played.batches[0]
    named = [(name, p) for name, p in net.named_parameters() if p.requires_grad and p.ndim > 1 and p.numel()]
    if not named:
        raise DanluError.of("", say("learn.no-weights"), say("learn.use-builtin"))
    chosen = min(asked.parameter, len(named) - 1)
    name, parameter = named[chosen]
    loss = played.loss(net, batch)
    value = finite(loss)
    (gradients,) = torch.autograd.grad(loss, parameter, allow_unused=True, materialize_grads=True)
    index = tuple(map(int, torch.unravel_index(gradients.abs().argmax(), gradients.shape)))
    here = float(parameter.detach()[index])
    limit.check()

    @torch.no_grad()
    def at(weight: float) -> float:
        limit.check()
        parameter[index] = weight
        found = float(played.loss(net, batch))
        parameter[index] = here
        return found

    nudge = NUDGE if exact else ROUGH
    measured = (at(here + nudge) - at(here - nudge)) / (2 * nudge)
    affordable = int(min(BUDGET / least_seconds(lambda: at(here), 1), POINTS))
    reach = max(1.0, 2 * abs(here))
    places = torch.linspace(here - reach, here + reach, _odd(affordable), dtype=torch.float64).tolist()
    position = Position(played.plan.seed)
    rows = activations(net, batch.arguments(), loss=lambda outputs: played.judged(outputs, batch), position=position)
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
        "gradient": float(gradients[index]),
        "measured": measured,
        "loss": value,
        "curve": [[weight, at(weight)] for weight in places],
        "samples": len(batch),
        "exact": exact,
    }


def _odd(count: int) -> int:
    """An odd number of points between the fewest and the most, so that the weight as it is is one of them."""
    return min(POINTS, max(FEWEST, count - 1 | 1))


def _precise(stage: Stage) -> tuple[Stage, bool]:
    """(a copy of the stage in double precision, True); in single, False, where the net's or the objective's own code asks for that."""
    wide = replace(
        stage,
        net=replica(stage.net).double(),
        objective=copied(stage.objective).double(),
        batches=tuple(map(doubled, stage.batches[:1])),
    )
    try:
        with torch.no_grad():
            exact = wide.loss(wide.net, wide.batches[0]).dtype == torch.float64
    except (RuntimeError, TypeError, ValueError):
        exact = False
    return (wide, True) if exact else (replace(stage, net=replica(stage.net)), False)
