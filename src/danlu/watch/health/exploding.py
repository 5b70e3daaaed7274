"""Gradients that grow on their way to the input, until no rate suits all layers.

Pascanu, Mikolov & Bengio 2013. What is compared is what reaches the layers next to the input with what reaches the last ones: a large
norm alone says nothing (a loss in squared currency is large). In a deep net the loss's gradient with respect to what layers give out
grows; in a recurrent one that of the weights, which are used many times. The first look counts too: an explosion may blow the net
to where nothing has a slope any more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief, figure
from danlu.watch.health import depth, remedies
from danlu.watch.health.depth import Rung
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST
from danlu.watch.health.verdict import Evidence, Verdict

_GROWN = 300.0  # first third over last third; healthy nets of the development set had at most 20
_STEADY = -0.9  # rank correlation of depth and gradient: it grows layer by layer
_DEEP = 5  # layers from which that counts, and the last layer alone is compared with


def exploding_gradient(recording: Recording) -> Verdict | None:
    """None without looks, and where the net answers well. Where training stopped at NaN or infinity, a single look is enough."""
    if recording.poor is False:
        return None
    rungs = depth.ladder(recording, 1 if recording.refused is not None else LEAST)
    if len(rungs) < depth.LEAST:
        return None
    grown = [
        _grown(rungs, [rung.reaching for rung in rungs], "outputs", "all"),
        _grown(rungs, [rung.reaching_first for rung in rungs], "outputs", "first"),
        _grown(rungs, [rung.slope for rung in rungs], "parameters", "all"),
        _grown(rungs, [rung.slope_first for rung in rungs], "parameters", "first"),
    ]
    found = [one for one in grown if one is not None]
    if not found:
        return None
    evidence = tuple(evidence for _, evidence in found) + _norms(recording)
    return Verdict(
        "exploding-gradient",
        "problem",
        say("health.exploding-gradient", times=brief(max(ratio for ratio, _ in found))),
        evidence,
        say("health.exploding-gradient.remedy"),
        remedies.clip(recording) | remedies.norm(recording),
    )


def _grown(rungs: Sequence[Rung], values: Sequence[float], of: str, looks: str) -> tuple[float, Evidence] | None:
    """(how many times as large, evidence). of: "outputs" or "parameters". looks: "all" or "first"."""
    known = [place for place, value in enumerate(values) if math.isfinite(value)]
    if len(known) < depth.LEAST:
        return None
    third = max(1, len(known) // 3)
    low = max(known[:third], key=lambda place: values[place])
    high = max(known[-third:], key=lambda place: values[place])
    if of == "outputs" and len(known) >= _DEEP and _rank([values[place] for place in known]) <= _STEADY:
        high = known[-1]
    if not 0 < values[high] * _GROWN <= values[low]:
        return None
    steps = rungs[low].parameter.steps
    span = (int(steps[0]), int(steps[-1])) if looks == "all" else (int(steps[0]), int(steps[0]))
    text = say(
        f"health.exploding-gradient.{of}",
        first=rungs[low].layer,
        low=figure(values[low]),
        last=rungs[high].layer,
        high=figure(values[high]),
        looks=say("health.looks", count=len(steps)) if looks == "all" else say("health.look", step=span[0]),
    )
    ratio = values[low] / values[high]
    numbers = {"first": values[low], "last": values[high], "ratio": ratio}
    return ratio, Evidence(text, (rungs[low].layer, rungs[high].layer), span, numbers)


def _rank(values: Sequence[float]) -> float:
    """Spearman's correlation with the place."""
    ranks = np.argsort(np.argsort(values))
    return float(np.corrcoef(np.arange(len(values)), ranks)[0, 1])


def _norms(recording: Recording) -> tuple[Evidence, ...]:
    if "grad_norm" not in recording.curves:
        return ()
    at, norms = recording.curves["grad_norm"]
    norms = norms[np.isfinite(norms)]
    if not len(norms):
        return ()
    median, top = float(np.median(norms)), float(norms.max())
    text = say("health.exploding-gradient.norm", median=figure(median), top=figure(top))
    return (Evidence(text, (), (int(at[0]), int(at[-1])), {"median": median, "max": top}),)
