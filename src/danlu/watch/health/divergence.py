"""A training that comes apart: its loss ends far above where it was, or becomes NaN or infinite."""

from __future__ import annotations

import math

from danlu.messages import say
from danlu.watch.figures import figure
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_ABOVE = 1.5  # the last loss over the first
_BACK = 0.5  # of what it had fallen, the loss has risen again
_GIVEN = ("column", "transform")  # the step was spoilt by its data, not by the training


def divergence(recording: Recording) -> Verdict | None:
    """Of the training loss. A rise is not counted where the net answers well."""
    evidence = [*_refused(recording), *_risen(recording)]
    if not evidence:
        return None
    lowest = recording.recipe is not None and recording.recipe.train.clip_norm is None
    patch = remedies.rate(recording, 0.1) | remedies.clip(recording) | remedies.warm_up(recording)
    return Verdict(
        "divergence",
        "problem",
        say("health.divergence"),
        tuple(evidence),
        say("health.divergence.remedy" if lowest else "health.divergence.remedy-rate"),
        patch,
    )


def _refused(recording: Recording) -> list[Evidence]:
    record = recording.refused
    if record is None or record.get("finding", {}).get("kind") in _GIVEN:
        return []
    step = int(record["step"])
    loss, norm = float(record["loss"]), float(record["norm"])
    text = say("health.divergence.refused", step=step + 1, loss=figure(loss), norm=figure(norm))
    values = {name: value for name, value in (("loss", loss), ("grad_norm", norm)) if math.isfinite(value)}
    layer = record.get("finding", {}).get("layer")
    return [Evidence(text, (layer,) if layer else (), (step, step + 1), values)]


def _risen(recording: Recording) -> list[Evidence]:
    losses = recording.losses
    if losses is None or recording.poor is False:
        return []
    fallen = losses.first - losses.lowest
    above = losses.end - recording.floor > _ABOVE * (losses.first - recording.floor) > 0
    back = (
        losses.end - losses.lowest > _BACK * abs(losses.first - recording.floor)
        and losses.end - losses.lowest > _BACK * fallen
    )
    if not above and not back:
        return []
    text = say(
        "health.divergence.risen",
        first=figure(losses.first),
        lowest=figure(losses.lowest),
        step=int(losses.at[int(losses.smooth.argmin())]),
        end=figure(losses.end),
        last=int(losses.at[-1]),
    )
    values = {"first": losses.first, "lowest": losses.lowest, "end": losses.end}
    return [Evidence(text, (), (int(losses.steps[0]), int(losses.steps[-1])), values)]
