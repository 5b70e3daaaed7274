"""Steps so large that they overshoot: the loss leaps above where it began, or every step rewrites the weights.

Where the net answers well in the end, the rate is not too high, whatever the loss did on its way: large rates with a schedule are a
good way to train (Smith & Topin 2018, Goyal et al. 2017).

Batch norm hides it. It divides each batch by what that batch has itself, so that the training loss stays calm however far the weights
leap; and since the result does not depend on the weights' length, every step lengthens them until its share of them looks moderate
(van Laarhoven 2017; Arora, Li & Lyu 2019 call that auto-tuning). What remains to be seen is how long they have become, and the loss of
the validation part, which is answered with averages over some ten steps past: where these belong to quite another net, it is enormous.
"""

from __future__ import annotations

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief, figure
from danlu.watch.health import depth, remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST
from danlu.watch.health.verdict import Evidence, Verdict

_LEAP = 1.5  # highest over first loss, above the floor; healthy runs of the development set had at most 1.1
_NEAR = 5  # steps of which the median counts: a single odd batch is no leap
_RATE = 0.25  # of the peak rate at least, where it leaps: before, other things make a loss jump
_SURE = 4.0  # the leap over the spread of single steps: batches differ
_LEFT = 0.15  # of what there was to learn is left
_LARGE = 0.02  # update over weight, twenty times the rule of thumb; healthy runs had at most 0.01
_GROWN = 10.0  # norm of a weight over its first; good runs had up to 13, and 115 where weights began next to 0
_WILD = 10.0  # validation loss over that of a constant answer, above the floor; good runs had up to 17, and weights grown threefold
_ORTHOGONAL = 0.1  # the same of Muon, whose updates have a size of their own (Jordan 2024)


def rate_too_high(recording: Recording) -> Verdict | None:
    """By the losses, and by updates and weights where there were looks."""
    if recording.poor is False:
        return None
    leap, updates = _leap(recording) + _blown(recording), _updates(recording)
    if not leap and (not updates or (recording.poor is None and recording.refused is None)):
        return None
    return Verdict(
        "rate-too-high",
        "problem",
        say("health.rate-too-high", rate=brief(recording.peak)),
        tuple(leap + updates),
        say("health.rate-too-high.remedy"),
        remedies.rate(recording, 0.1) | remedies.warm_up(recording) | remedies.fall(recording),
    )


def _leap(recording: Recording) -> list[Evidence]:
    """Above the first loss, at a step whose rate can have done it, in a run that has much left to learn."""
    losses = recording.losses
    if losses is None or len(losses.values) < _NEAR or recording.left is None or recording.left < _LEFT:
        return []
    near = np.median(np.lib.stride_tricks.sliding_window_view(losses.values, _NEAR), axis=1)
    middle = losses.steps[_NEAR // 2 :][: len(near)]
    near = np.where(recording.rates(middle) >= _RATE, near, -np.inf)
    place = int(near.argmax())
    top, first = float(near[place]), losses.first
    if not top - recording.floor > _LEAP * (first - recording.floor) > 0 or top - first < _SURE * losses.spread:
        return []
    step = int(middle[place])
    text = say("health.rate-too-high.leap", first=figure(first), top=figure(top), step=step)
    return [Evidence(text, (), (int(losses.steps[0]), step), {"first": first, "highest": top})]


def _blown(recording: Recording) -> list[Evidence]:
    """Weights that have become many times as long, and a validation loss far above that of whoever knows nothing, in a net that answers
    poorly: either alone is found in good runs too (first weights next to 0; averages of a batch norm that are young).
    """
    losses = recording.losses
    if recording.poor is not True or losses is None or recording.left is None or recording.left < _LEFT:
        return []
    if "val/loss" not in recording.curves:
        return []
    at, validation = recording.curves["val/loss"]
    rungs = depth.ladder(recording, LEAST)
    grown = [float(rung.parameter.weight.max() / first) for rung in rungs if (first := rung.parameter.weight[0]) > 0]
    if not grown or not np.isfinite(validation).any():
        return []
    place, times = int(np.nanargmax(validation)), float(np.median(grown))
    top, nothing = float(validation[place]), losses.first if recording.trivial is None else recording.trivial
    if times < _GROWN or not top - recording.floor > _WILD * (nothing - recording.floor) > 0:
        return []
    steps = rungs[0].parameter.steps
    span = (int(steps[0]), int(steps[-1]))
    wild = say("health.rate-too-high.wild", top=figure(top), step=int(at[place]), nothing=figure(nothing))
    longer = say("health.rate-too-high.grown", times=brief(times), count=len(grown))
    return [
        Evidence(wild, (), (span[0], int(at[place])), {"highest": top, "nothing": nothing}),
        Evidence(longer, tuple(rung.layer for rung in rungs), span, {"grown": times}),
    ]


def _updates(recording: Recording) -> list[Evidence]:
    """By the median matrix, while the rate is high; what weight decay alone takes off does not count."""
    stopped = recording.refused is not None
    rungs = [rung for rung in depth.ladder(recording, 1) if stopped or depth.fast_looks(recording, rung).sum() >= LEAST]
    moved = [value for rung in rungs if np.isfinite(value := depth.while_fast(recording, rung))]
    if not moved:
        return []
    ratio, bound, recipe = float(np.median(moved)), _LARGE, recording.recipe
    if recipe is not None:
        bound = _ORTHOGONAL if recipe.train.optimizer.name == "muon" else _LARGE
        bound = max(bound, 2 * recording.peak * recipe.train.optimizer.weight_decay)
    if ratio < bound:
        return []
    steps = rungs[0].parameter.steps
    text = say("health.rate-too-high.updates", ratio=brief(ratio), count=len(moved))
    return [Evidence(text, tuple(rung.layer for rung in rungs), (int(steps[0]), int(steps[-1])), {"ratio": ratio})]
