"""Gradients that grow on their way to the input, until no rate suits all layers.

Pascanu, Mikolov & Bengio 2013. What is compared is the loss's gradient with respect to what the layers give out, of those next to
the input over the last: a large norm alone says nothing (a loss in squared currency is large).
"""

from __future__ import annotations

import math

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief, figure
from danlu.watch.health import depth, remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST
from danlu.watch.health.verdict import Evidence, Verdict

_GROWN = 1e3  # first over last; healthy nets of the development set had at most 20


def exploding_gradient(recording: Recording) -> Verdict | None:
    """None without looks at layers. Where the training stopped at NaN or infinity, a single look is enough."""
    if recording.poor is False:
        return None
    rungs = depth.ladder(recording, 1 if recording.refused is not None else LEAST)
    known = [rung for rung in rungs if not math.isnan(rung.reaching)]
    if len(known) < depth.LEAST:
        return None
    third = max(1, len(known) // 3)
    low = max(known[:third], key=lambda rung: rung.reaching)
    high = max(known[-third:], key=lambda rung: rung.reaching)
    if not 0 < high.reaching * _GROWN <= low.reaching:
        return None
    steps = low.parameter.steps
    span = (int(steps[0]), int(steps[-1]))
    evidence = [
        Evidence(
            say(
                "health.exploding-gradient.ratio",
                first=low.layer,
                low=figure(low.reaching),
                last=high.layer,
                high=figure(high.reaching),
                looks=len(steps),
            ),
            layers=(low.layer, high.layer),
            steps=span,
            values={"first": low.reaching, "last": high.reaching, "ratio": low.reaching / high.reaching},
        )
    ]
    if "grad_norm" in recording.curves:
        at, norms = recording.curves["grad_norm"]
        sound = np.isfinite(norms)
        if sound.any():
            median, top = float(np.median(norms[sound])), float(norms[sound].max())
            evidence.append(
                Evidence(
                    say("health.exploding-gradient.norm", median=figure(median), top=figure(top)),
                    steps=(int(at[0]), int(at[-1])),
                    values={"median": median, "max": top},
                )
            )
    return Verdict(
        "exploding-gradient",
        "problem",
        say("health.exploding-gradient", times=brief(low.reaching / high.reaching)),
        tuple(evidence),
        say("health.exploding-gradient.remedy"),
        remedies.clip(recording) | remedies.norm(recording),
    )
