"""Gradients that fade on their way to the input: the layers there hardly learn.

Hochreiter 1991, Bengio et al. 1994 and Glorot & Bengio 2010. What is compared is what reaches the layers next to the input with what
reaches the last ones, over all looks: single values say little, and at the end of a training all of them are small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    slopes = _faded(rungs, [rung.slope for rung in rungs])
    reaching = _faded(rungs, [rung.reaching for rung in rungs])
    known = [one for one in (slopes, reaching) if one is not None]
    if not known:
        return None
    ratio = max(one.ratio for one in known)
    if not ratio <= {True: _FADED, False: _LEARNT, None: _UNKNOWN}[recording.poor]:
        return None
    steps = rungs[0].parameter.steps
    evidence = []
    for found, key in ((slopes, "parameters"), (reaching, "outputs")):
        if found is not None:
            text = say(
                f"health.vanishing-gradient.{key}",
                first=found.low.layer,
                low=brief(found.values[0]),
                last=found.high.layer,
                high=brief(found.values[1]),
                looks=len(steps),
            )
            values = {"first": found.values[0], "last": found.values[1], "ratio": found.ratio}
            layers = (*found.faded, found.high.layer)
            evidence.append(Evidence(text, layers, (int(steps[0]), int(steps[-1])), values))
    return Verdict(
        "vanishing-gradient",
        "problem",
        say("health.vanishing-gradient", times=_times(ratio)) if ratio else say("health.vanishing-gradient.none"),
        tuple(evidence),
        say("health.vanishing-gradient.none.remedy" if ratio == 0 else "health.vanishing-gradient.remedy"),
        remedies.norm(recording) | _activation(recording),
    )


@dataclass(frozen=True)
class _Fading:
    """values: the largest of the first third of the layers and the largest of the last, at ``low`` and ``high``. faded: names of all
    of that first third.
    """

    low: Rung
    high: Rung
    faded: tuple[str, ...]
    values: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.values[0] / self.values[1]


def _faded(rungs: Sequence[Rung], values: Sequence[float]) -> _Fading | None:
    """None where either third is not known, or the last has no gradient itself."""
    third = max(1, len(rungs) // 3)
    places = range(len(rungs))
    low, high = (
        max((place for place in part if math.isfinite(values[place])), key=lambda place: values[place], default=None)
        for part in (places[:third], places[-third:])
    )
    if low is None or high is None or values[high] == 0:
        return None
    faded = tuple(rung.layer for rung in rungs[:third])
    return _Fading(rungs[low], rungs[high], faded, (values[low], values[high]))


def _activation(recording: Recording) -> remedies.Patch:
    """Instead of one that squashes."""
    now = recording.takes.get("activation")
    return remedies.activation(recording, "gelu") if now in ("sigmoid", "tanh", "softplus") else {}


def _times(ratio: float) -> str:
    return f"{1 / ratio:,.0f}" if ratio > 1e-6 else brief(1 / ratio)
