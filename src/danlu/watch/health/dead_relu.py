"""ReLU units that are silent whatever comes: they give nothing and learn nothing any more.

Maas, Hannun & Ng 2013 describe them, Lu et al. 2019 ("Dying ReLU and initialization") how whole layers are born dead; the notes of
Stanford's CS231n tell of 40 % dead units where the rate is too high. Of units that answer to one class in ten, 40 samples leave
one in seventy unseen: what is silent in every late look is dead but for such chances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.messages import say
from danlu.watch.figures import share
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import Layer, late
from danlu.watch.health.verdict import Evidence, Verdict

_KINDS = ("relu", "relu6")  # leaky ones, GELU and SiLU pass a slope on where they are ≤ 0
_DEAD = 0.5  # of a layer's units, from which it is told; healthy nets of the development set had at most 0.1
_LEARNT = 0.8  # the same where the net answers well all the same: wide and sparse nets do without many units
_FEW = 16  # units: of a layer with fewer (the bottleneck of a gate, say) the share must be larger
_OF_FEW = 0.9
_LEAST = 4  # units: a layer with fewer is too narrow in the first place
_BORN = 0.5  # share of the dead units that were silent at the first look already
_SHOWN = 5


@dataclass(frozen=True)
class _Dead:
    layer: Layer
    dead: int
    units: int
    born: float
    looks: int
    steps: tuple[int, int]

    @property
    def share(self) -> float:
        return self.dead / self.units


def dead_relu(recording: Recording) -> Verdict | None:
    """Of layers that a gradient could reach; None without looks inside the net."""
    every = [dead for layer in recording.units if (dead := _of(layer)) is not None]
    bound = _LEARNT if recording.poor is False else _DEAD
    found = [one for one in every if one.share >= max(bound, _OF_FEW if one.units < _FEW else 0.0)]
    if not found:
        return None
    worst = max(found, key=lambda one: one.share)
    evidence = tuple(
        Evidence(
            say(
                "health.dead-relu.layer",
                layer=one.layer.name or one.layer.kind,
                dead=one.dead,
                units=one.units,
                looks=one.looks,
                first=one.steps[0],
                last=one.steps[1],
                born=share(one.born),
            ),
            layers=(one.layer.name,),
            steps=one.steps,
            values={"dead": one.dead, "units": one.units, "share": one.share, "born": one.born},
        )
        for one in sorted(found, key=lambda one: -one.share)[:_SHOWN]
    )
    born = np.average([one.born for one in found], weights=[one.dead for one in found]) >= _BORN
    patch = remedies.activation(recording, "leaky-relu") | remedies.norm(recording)
    if not born:
        patch = remedies.rate(recording, 0.1) | patch
    return Verdict(
        "dead-relu",
        "problem" if worst.share >= _OF_FEW else "warning",
        say("health.dead-relu", layers=len(found), of=len(every), share=share(worst.share)),
        evidence,
        say("health.dead-relu.born" if born else "health.dead-relu.killed"),
        patch,
    )


def _of(layer: Layer) -> _Dead | None:
    if layer.family not in _KINDS or layer.silent is None or np.isnan(layer.gradient).all():
        return None
    chosen = late(layer.steps)
    if chosen is None or layer.silent.shape[1] < _LEAST:
        return None
    dead = layer.silent[chosen].all(0)
    count = int(dead.sum())
    born = float(layer.silent[0][dead].mean()) if count else 0.0
    steps = layer.steps[chosen]
    return _Dead(layer, count, len(dead), born, len(steps), (int(steps[0]), int(steps[-1])))
