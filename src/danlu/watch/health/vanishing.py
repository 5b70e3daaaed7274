"""Gradients that fade on their way to the input: the layers there hardly learn.

Hochreiter 1991, Bengio et al. 1994 and Glorot & Bengio 2010. What is compared is what reaches the layers next to the input with what
reaches the last ones, over all looks: single values say little, and at the end of a training all of them are small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief
from danlu.watch.health import depth, remedies
from danlu.watch.health.depth import Rung
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST
from danlu.watch.health.verdict import Evidence, Verdict

_FADED = 1e-2  # first over last, where the net answers poorly; healthy nets of the development set had at least 0.09
_UNKNOWN = 1e-3  # the same where it can't be told how it answers
_LEARNT = 1e-6  # and where it answers well all the same


def vanishing_gradient(recording: Recording) -> Verdict | None:
    """None without looks, and where there are fewer than three matrices or kernels."""
    rungs = depth.ladder(recording, LEAST)
    if len(rungs) < depth.LEAST:
        return None
    third = max(1, len(rungs) // 3)
    low, high = rungs[:third], rungs[-third:]
    slopes = _over([rung.slope for rung in low], [rung.slope for rung in high])
    reaching = _over([rung.reaching for rung in low], [rung.reaching for rung in high])
    ratio = max((known for known in (slopes, reaching) if not math.isnan(known)), default=math.nan)
    if not ratio <= {True: _FADED, False: _LEARNT, None: _UNKNOWN}[recording.poor]:
        return None
    steps = rungs[0].parameter.steps
    first, last = rungs[0], rungs[-1]
    evidence = [
        Evidence(
            say(
                "health.vanishing-gradient.ratio",
                first=first.parameter.name,
                low=brief(first.slope),
                last=last.parameter.name,
                high=brief(last.slope),
                looks=len(steps),
            ),
            layers=tuple(rung.layer for rung in low),
            steps=(int(steps[0]), int(steps[-1])),
            values={"first": first.slope, "last": last.slope, "ratio": slopes},
        )
    ]
    if not math.isnan(reaching):
        evidence.append(
            Evidence(
                say("health.vanishing-gradient.reaching", low=brief(first.reaching), high=brief(last.reaching)),
                layers=(first.layer, last.layer),
                steps=(int(steps[0]), int(steps[-1])),
                values={"first": first.reaching, "last": last.reaching, "ratio": reaching},
            )
        )
    return Verdict(
        "vanishing-gradient",
        "problem",
        say("health.vanishing-gradient", times=_times(ratio)) if ratio else say("health.vanishing-gradient.none"),
        tuple(evidence),
        say("health.vanishing-gradient.none.remedy" if ratio == 0 else "health.vanishing-gradient.remedy"),
        remedies.norm(recording) | _activation(recording, low),
    )


def _activation(recording: Recording, low: Sequence[Rung]) -> remedies.Patch:
    """Instead of one that squashes."""
    now = recording.takes.get("activation")
    return remedies.activation(recording, "gelu") if now in ("sigmoid", "tanh", "softplus") else {}


def _over(low: Sequence[float], high: Sequence[float]) -> float:
    """The largest of the first over the largest of the last; NaN where either is not known."""
    if np.isnan(low).all() or np.isnan(high).all() or np.nanmax(high) == 0:
        return math.nan
    return float(np.nanmax(low) / np.nanmax(high))


def _times(ratio: float) -> str:
    return f"{1 / ratio:,.0f}" if ratio > 1e-6 else brief(1 / ratio)
