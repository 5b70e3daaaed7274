"""Gradients that grow on their way to the input, until no rate suits all layers.

Pascanu, Mikolov & Bengio 2013. What is compared is what reaches the layers next to the input with what reaches the last ones: a large
norm alone says nothing (a loss in squared currency is large). In a deep net the loss's gradient with respect to what layers give out
grows; in a recurrent one that of the weights, which are used many times. The first look counts too: an explosion may blow the net
to where nothing has a slope any more.

A layer that is called again and again in one pass, as a recurrent net does, multiplies by the same matrix at each call. There the same
paper finds cliffs: gradients that are calm for many steps and orders of magnitude larger a few steps later, when the matrix has come to
lengthen what passes it. So where a training stopped at NaN or infinity, its last gradients are held against those before, and the
layer's calls against each other. A rate too high may have brought the matrix there, and is told for itself; clipping the norm is what
the paper answers both with.
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
from danlu.watch.health.series import LEAST, Layer
from danlu.watch.health.verdict import Evidence, Verdict

_GROWN = 300.0  # first third over last third; healthy nets of the development set had at most 20
_STEADY = -0.9  # rank correlation of depth and gradient: it grows layer by layer
_DEEP = 5  # layers from which that counts, and the last layer alone is compared with; calls of one layer, from which it is recurrent
_MORE = 1.1  # what reaches the first call over what reaches the last: more than rounding
_CLIFF = 100.0  # norm of the whole gradient in the last steps over the median before: two orders of magnitude
_CALM = 10.0  # the largest norm before over that median: a rate too high lets them grow from the beginning
_LAST, _BEFORE = 3, 8  # steps that are the last, and steps that must have gone before


def exploding_gradient(recording: Recording) -> Verdict | None:
    """None without looks, and where the net answers well. Where training stopped at NaN or infinity, a single look is enough."""
    if recording.poor is False:
        return None
    found = _through_layers(recording)
    cliff = None if found else _through_calls(recording)
    if not found and cliff is None:
        return None
    if cliff is not None:
        text, evidence = say("health.exploding-gradient.calls", times=figure(cliff[0])), cliff[1]
    else:
        text = say("health.exploding-gradient", times=brief(max(ratio for ratio, _ in found)))
        evidence = tuple(evidence for _, evidence in found) + _norms(recording)
    return Verdict(
        "exploding-gradient",
        "problem",
        text,
        evidence,
        say("health.exploding-gradient.calls.remedy" if cliff is not None else "health.exploding-gradient.remedy"),
        remedies.clip(recording) | remedies.norm(recording),
    )


def _through_layers(recording: Recording) -> list[tuple[float, Evidence]]:
    rungs = depth.ladder(recording, 1 if recording.refused is not None else LEAST)
    if len(rungs) < depth.LEAST:
        return []
    grown = [
        _grown(rungs, [rung.reaching for rung in rungs], "outputs", "all"),
        _grown(rungs, [rung.reaching_first for rung in rungs], "outputs", "first"),
        _grown(rungs, [rung.slope for rung in rungs], "parameters", "all"),
        _grown(rungs, [rung.slope_first for rung in rungs], "parameters", "first"),
    ]
    return [one for one in grown if one is not None]


def _through_calls(recording: Recording) -> tuple[float, tuple[Evidence, ...]] | None:
    """(how many times as large the gradient became, evidence): it grows from call to call of one layer, and leapt at the end."""
    if recording.refused is None or "grad_norm" not in recording.curves:
        return None
    at, norms = recording.curves["grad_norm"]
    at, norms = at[np.isfinite(norms)], norms[np.isfinite(norms)]
    if len(norms) < _LAST + _BEFORE:
        return None
    before, top = float(np.median(norms[:-_LAST])), float(norms[-_LAST:].max())
    if not top >= _CLIFF * before > 0 or norms[:-_LAST].max() > _CALM * before:
        return None
    calls: dict[tuple[str, str, str], list[Layer]] = {}
    for layer in recording.units:
        calls.setdefault((layer.name, layer.kind, layer.output), []).append(layer)
    grown = [one for same in calls.values() if (one := _amplified(same)) is not None]
    if not grown:
        return None
    leapt = Evidence(
        say("health.exploding-gradient.cliff", before=figure(before), top=figure(top), step=int(at[-1])),
        (),
        (int(at[-_LAST]), int(at[-1])),
        {"before": before, "max": top, "ratio": top / before},
    )
    broken = recording.refused.get("finding", {}).get("layer")
    return top / before, (leapt, max(grown, key=lambda one: (broken in one.layers, one.values["ratio"])))


def _amplified(calls: Sequence[Layer]) -> Evidence | None:
    """What reaches the calls of one layer grows towards the first of them, at the last look."""
    step = max(int(one.steps[-1]) for one in calls)
    reaching = [
        float(one.gradient[-1])
        for one in sorted(calls, key=lambda one: one.call)
        if one.steps[-1] == step and one.gradient[-1] > 0
    ]
    if len(reaching) < _DEEP or reaching[0] < _MORE * reaching[-1] or _rank(reaching) > _STEADY:
        return None
    ratio, name = reaching[0] / reaching[-1], calls[0].name
    text = say("health.exploding-gradient.call", layer=name, calls=len(reaching), times=brief(ratio), step=step)
    return Evidence(text, (name,), (step, step), {"first": reaching[0], "last": reaching[-1], "ratio": ratio})


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
