"""Parameters that never get a gradient although they are trained, and nets that are frozen for the most part without being asked to.

What a recipe freezes is frozen on purpose, and so is, as far as anybody can tell, what a net's own code freezes while it answers well.
"""

from __future__ import annotations

import numpy as np

from danlu.messages import say
from danlu.watch.figures import share
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST, Parameter
from danlu.watch.health.verdict import Evidence, Verdict

_PART = 1e-3  # of all elements: a lone scale that a net has left over is not worth a word
_FROZEN = 0.3  # of all elements, from which a net that answers poorly is told to be frozen
_SHOWN = 8


def unused_parameters(recording: Recording) -> Verdict | None:
    """Trained, but in no look was there a gradient: the loss does not depend on them, or the graph is cut. None without looks.

    A part that is used at times (an expert, a block that is often left out) has changed between looks that missed it.
    """
    every = recording.weights
    total = sum(one.size for one in every)
    found = [one for one in every if one.trained and len(one.steps) >= LEAST and _untouched(one)]
    if not found or sum(one.size for one in found) < _PART * total:
        return None
    names = ", ".join(one.name for one in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    part = sum(one.size for one in found) / total
    return Verdict(
        "unused-parameters",
        "warning",
        say("health.unused-parameters", count=len(found), of=len(every), share=share(part)),
        (_evidence(found, say("health.unused-parameters.names", names=names, looks=len(found[0].steps)), part),),
        say("health.unused-parameters.remedy"),
    )


def frozen_parameters(recording: Recording) -> Verdict | None:
    """Not trained, although the recipe does not say so, in a net that answers poorly. None without looks."""
    recipe = recording.recipe
    given = recipe is not None and recipe.model.pretrained
    if recording.poor is not True or recording.unfreezes != "all" or given:
        return None
    every = recording.weights
    total = sum(one.size for one in every)
    found = [one for one in every if not one.trained and len(one.steps) >= LEAST]
    part = sum(one.size for one in found) / max(total, 1)
    matrices = [one for one in every if one.dimensions >= 2]
    still = [one for one in matrices if not one.trained]
    if not still or max(part, len(still) / len(matrices)) < _FROZEN:
        return None
    names = ", ".join(one.name for one in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    return Verdict(
        "frozen-parameters",
        "warning",
        say("health.frozen-parameters", count=len(found), of=len(every), share=share(part)),
        (_evidence(found, say("health.frozen-parameters.names", names=names), part),),
        say("health.frozen-parameters.remedy"),
    )


def _untouched(one: Parameter) -> bool:
    return bool(np.isnan(one.gradient).all() and (one.weight == one.weight[0]).all())


def _evidence(found: list[Parameter], text: str, part: float) -> Evidence:
    layers = tuple(dict.fromkeys(one.name.rpartition(".")[0] for one in found))
    steps = found[0].steps
    return Evidence(text, layers, (int(steps[0]), int(steps[-1])), {"parameters": len(found), "share": part})
