"""A net that answers far worse than a linear model, or no better than one that looks at no input, and its own training samples too.

How low a loss can be nobody knows; that a linear model does far better is a sure sign that more could be learnt.
"""

from __future__ import annotations

from danlu.messages import say
from danlu.metrics.meaning import is_share
from danlu.watch.figures import figure
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_ERRORS = 2.0  # the net's errors over the linear model's
_POINTS = 0.1  # and at least so many more of all answers, where the metric is a share
_LEFT = 0.25  # of what there was to learn is left of the training loss, and of the validation loss
_HARDLY = 0.1  # share of its first value by which a loss has hardly fallen
_FEW = 5  # epochs: with fewer, more are the first thing to try
_FALLING = 0.05  # of what there was to learn the validation loss fell in the last third: it was not done


def underfitting(recording: Recording) -> Verdict | None:
    """Needs baselines, or a training loss that has hardly fallen."""
    losses = recording.losses
    if losses is None or recording.refused is not None or recording.ended is None:
        return None
    beaten, still = _beaten(recording), losses.fallen <= _HARDLY and recording.poor is not False
    if not beaten and not still:
        return None
    if not still and (recording.left is None or recording.left < _LEFT):
        return None
    evidence = list(beaten)
    text = say("health.underfitting.loss", first=figure(losses.first), end=figure(losses.end))
    span = (int(losses.steps[0]), int(losses.steps[-1]))
    evidence.append(Evidence(text, (), span, {"first": losses.first, "end": losses.end}))
    recipe = recording.recipe
    patch = remedies.no_l1(recording) | remedies.less_dropout(recording)
    if recipe is not None and recipe.train.optimizer.weight_decay > 0.3:
        patch |= {"train.optimizer.weight_decay": 0.01}
    few = recipe is not None and recipe.train.epochs < _FEW
    falling = few or _falling(recording)
    thaw = remedies.thaw(recording)
    if thaw:  # before anything else: a head alone can't make up for features that do not suit
        patch |= thaw | remedies.rate(recording, 0.1)
    elif not patch:
        patch = (
            remedies.epochs(recording, 5 if few else 3)
            if falling
            else remedies.wider(recording) | remedies.epochs(recording, 2)
        )
    return Verdict(
        "underfitting",
        "warning",
        say("health.underfitting"),
        tuple(evidence),
        say(f"health.underfitting.{'frozen' if thaw else 'falling' if falling else 'remedy'}"),
        patch,
    )


def _beaten(recording: Recording) -> list[Evidence]:
    """By a linear model, and by much; or not even better than a constant answer."""
    found = recording.standings
    if found.linear == "worse":
        net, other = found.net, found.linear_value
        much = found.errs >= _ERRORS and (not is_share(found.metric) or other - net >= _POINTS)
        if much:
            text = say("health.underfitting.linear", metric=found.metric, net=figure(net), linear=figure(other))
            return [Evidence(text, values={"net": net, "linear": other})]
    if found.simple in ("level", "worse"):
        text = say(
            "health.underfitting.simple", metric=found.metric, net=figure(found.net), simple=figure(found.simple_value)
        )
        return [Evidence(text, values={"net": found.net, "simple": found.simple_value})]
    return []


def _falling(recording: Recording) -> bool:
    """Whether the loss was still falling at the end, be it slowly by the schedule."""
    losses = recording.losses
    assert losses is not None
    name = "val/loss" if "val/loss" in recording.curves and len(recording.curves["val/loss"][1]) >= 3 else ""
    values = recording.curves[name][1] if name else losses.smooth
    earlier = float(values[-1 - max(1, len(values) // 3)])
    return bool(earlier - values[-1] >= _FALLING * abs(losses.first - recording.floor))
