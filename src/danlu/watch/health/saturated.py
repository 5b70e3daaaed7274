"""Hidden layers of tanh or sigmoid whose units sit where the slope is next to nothing: what lies below hardly learns.

Glorot & Bengio 2010 show how layers saturate after a bad start. Gates are meant to saturate (LSTM, GRU, squeeze-and-excitation,
gated linear units), and so is what a net gives out: they are left aside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from danlu.messages import say
from danlu.watch.figures import share
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import Layer, late
from danlu.watch.health.verdict import Evidence, Verdict

_GATES = ("tanh", "sigmoid")
_PLAIN = (
    "relu",
    "relu6",
    "leakyrelu",
    "prelu",
    "rrelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "softplus",
)
_SATURATED = 0.6  # of a layer's values; healthy tanh and sigmoid nets of the development set had at most 0.3
_BORN = 0.5  # the same share at the first look: it began so
_SHOWN = 5


def saturated(recording: Recording) -> Verdict | None:
    """Silent where the net answers well all the same; None without looks inside the net."""
    if recording.poor is False:
        return None
    hidden = _hidden(recording.units)
    found = []
    for layer in hidden:
        chosen = late(layer.steps)
        if chosen is None:
            continue
        shares = layer.saturated[chosen]
        if np.isfinite(shares).all() and np.median(shares) >= _SATURATED:
            found.append((layer, float(np.median(shares)), layer.steps[chosen]))
    if not found:
        return None
    evidence = tuple(
        Evidence(
            say(
                "health.saturated.layer",
                layer=layer.name or layer.kind,
                share=share(part),
                first=int(steps[0]),
                last=int(steps[-1]),
                begin=share(float(layer.saturated[0])),
            ),
            layers=(layer.name,),
            steps=(int(steps[0]), int(steps[-1])),
            values={"saturated": part, "first": float(layer.saturated[0])},
        )
        for layer, part, steps in sorted(found, key=lambda one: -one[1])[:_SHOWN]
    )
    born = float(np.median([layer.saturated[0] for layer, _, _ in found])) >= _BORN
    patch = remedies.norm(recording) | remedies.activation(recording, "gelu")
    if not born:
        patch = remedies.rate(recording, 0.1) | patch
    return Verdict(
        "saturated",
        "problem" if max(part for _, part, _ in found) >= 0.9 else "warning",
        say("health.saturated", layers=len(found), of=len(hidden), share=share(max(part for _, part, _ in found))),
        evidence,
        say("health.saturated.born" if born else "health.saturated.driven"),
        patch,
    )


def _hidden(layers: Sequence[Layer]) -> list[Layer]:
    """Those that are the net's non-linearities: not what it gives out, nothing that gates.

    A layer that calls both functions is a gated cell; a sigmoid beside ReLUs and the like is a gate.
    """
    gates = [layer for layer in layers if layer.family in _GATES]
    families: dict[str, set[str]] = {}
    for layer in gates:
        families.setdefault(_cell(layer), set()).add(layer.family)
    plain = any(layer.family in _PLAIN for layer in layers)
    return [
        layer
        for layer in gates
        if not layer.last and len(families[_cell(layer)]) == 1 and not (layer.family == "sigmoid" and plain)
    ]


def _cell(layer: Layer) -> str:
    """The module that calls it: of a function the layer itself, of an activation's own layer the one around it."""
    return layer.name if layer.kind.startswith("F.") else layer.name.rpartition(".")[0]
