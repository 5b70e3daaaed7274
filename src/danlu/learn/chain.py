"""Lesson: forward, backward, chain rule, on a net so small that every number can be seen.

Two inputs, three hidden tanh units, one output y; the loss is ½(y − target)². All in double precision.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.learn.asked import Asked
from danlu.learn.threads import on_threads

INPUTS, HIDDEN = 2, 3
WEIGHTS = HIDDEN * INPUTS + HIDDEN + HIDDEN + 1
REACH = 1.5  # of the curve to both sides of the chosen weight
POINTS = 41
NUDGE = 1e-5  # of the central difference: rounding and curvature errors are both about 1e-10

Value = Annotated[float, Field(ge=-2, le=2)]
Weight = Annotated[float, Field(ge=-1000, le=1000)]  # where steps of gradient descent may lead


class ChainAsked(Asked):
    """inputs: of the one sample. weights: of the hidden layer (unit by unit), its biases, of the output, its bias. chosen: which of
    them is looked at. rate: of the one step of gradient descent that is tried.
    """

    inputs: tuple[Value, Value] = (1.0, -0.5)
    target: Value = 0.8
    weights: Annotated[tuple[Weight, ...], Field(min_length=WEIGHTS, max_length=WEIGHTS)] = (
        *(0.6, -0.8, -0.5, 0.9, 1.2, 0.4),
        *(0.1, -0.2, 0.0),
        *(0.9, -0.7, 0.5),
        0.1,
    )
    chosen: Annotated[int, Field(ge=0, lt=WEIGHTS)] = 0
    rate: Annotated[float, Field(ge=0, le=2)] = 0.2


class TinyNet(nn.Module):
    """(2,) → (1,), keeping what each stage gave."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        with torch.device("meta"):  # where nothing is drawn
            self.hidden = nn.Linear(INPUTS, HIDDEN, dtype=torch.float64)
            self.output = nn.Linear(HIDDEN, 1, dtype=torch.float64)
        self.to_empty(device="cpu")
        self.put(weights)

    def put(self, weights: Tensor) -> None:
        nn.utils.vector_to_parameters(weights, self._ordered())

    def gradients(self) -> Tensor:
        """float64 (13,), in the order of the weights."""
        return torch.cat([p.grad.reshape(-1) for p in self._ordered() if p.grad is not None])

    def _ordered(self) -> list[Tensor]:
        return [self.hidden.weight, self.hidden.bias, self.output.weight, self.output.bias]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(z, h, y): what the hidden units sum up, what they give, what the net says."""
        z = self.hidden(x)
        h = torch.tanh(z)
        return z, h, self.output(h)


def loss_of(y: Tensor, target: Tensor) -> Tensor:
    return 0.5 * (y - target).square().sum()


@on_threads(1)
def chain(asked: ChainAsked) -> dict[str, Any]:
    """Everything of one forward and one backward pass.

    z, h: (3,). y, loss. gradients: of the loss with respect to each weight; dz, dh, dy: with respect to z, h, y. links: the factors
    of the chain rule from the loss to the chosen weight, each computed on its own; their product is the chosen gradient. measured:
    the central difference. curve: [[weight, loss]] while only the chosen weight changes. stepped: weights and loss after one step.
    """
    weights = torch.tensor(asked.weights, dtype=torch.float64)
    x, target = torch.tensor(asked.inputs, dtype=torch.float64), torch.tensor([asked.target], dtype=torch.float64)
    net = TinyNet(weights)
    z, h, y = net(x)
    for kept in (z, h, y):
        kept.retain_grad()
    loss = loss_of(y, target)
    torch.autograd.backward(loss)
    gradients = net.gradients()

    def at(value: float) -> float:
        moved = weights.clone()
        moved[asked.chosen] = value
        net.put(moved)
        with torch.no_grad():
            return float(loss_of(net(x)[2], target))

    here = asked.weights[asked.chosen]
    places = torch.linspace(here - REACH, here + REACH, POINTS, dtype=torch.float64).tolist()
    curve = [[place, at(place)] for place in places]
    measured = (at(here + NUDGE) - at(here - NUDGE)) / (2 * NUDGE)
    after = weights - asked.rate * gradients
    net.put(after)
    with torch.no_grad():
        lower = float(loss_of(net(x)[2], target))
    return {
        "z": z.tolist(),
        "h": h.tolist(),
        "y": y.item(),
        "loss": loss.item(),
        "gradients": gradients.tolist(),
        "dz": _slope(z),
        "dh": _slope(h),
        "dy": _slope(y)[0],
        "links": links(weights, x, target, asked.chosen),
        "measured": measured,
        "curve": curve,
        "stepped": {"weights": after.tolist(), "loss": lower},
    }


def links(weights: Tensor, x: Tensor, target: Tensor, chosen: int) -> list[dict[str, Any]]:
    """[{"of", "by", "value"}]: each derivative by autograd on that link alone, from the loss back to the weight."""
    net = TinyNet(weights)
    z, h, y = net(x)
    found = [_link("L", "y", loss_of(y, target), y)]
    first, second = HIDDEN * INPUTS, HIDDEN * INPUTS + HIDDEN
    if chosen >= second:
        place = chosen - second
        (parameter, index) = (net.output.weight, (0, place)) if place < HIDDEN else (net.output.bias, (0,))
        return [*found, _link("y", "w", y, parameter, index)]
    unit = chosen // INPUTS if chosen < first else chosen - first
    parameter, index = (net.hidden.weight, (unit, chosen % INPUTS)) if chosen < first else (net.hidden.bias, (unit,))
    hs, zs = f"h{unit + 1}", f"z{unit + 1}"
    return [
        *found,
        _link("y", hs, y, h, (unit,)),
        _link(hs, zs, h[unit], z, (unit,)),
        _link(zs, "w", z[unit], parameter, index),
    ]


def _link(of: str, by: str, value: Tensor, source: Tensor, index: tuple[int, ...] = (0,)) -> dict[str, Any]:
    (slope,) = torch.autograd.grad(value.sum(), source, retain_graph=True)
    return {"of": of, "by": by, "value": slope[index].item()}


def _slope(tensor: Tensor) -> list[float]:
    assert tensor.grad is not None
    found: list[float] = tensor.grad.tolist()
    return found
