"""A loss that stands still for half of the training and longer, far from where it should be.

A net that has learnt what there is stands still too: only one that answers poorly is on a plateau. Steps at a rate that a schedule has
brought near zero are not counted.
"""

from __future__ import annotations

import math

import numpy as np

from danlu.messages import say
from danlu.watch.figures import figure, share
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_LEFT = 0.25  # of what there was to learn is left
_LEFT_SPENT = 0.1  # the same where the schedule has ended the learning
_STILL = 0.02  # of what there was to learn: by less it has not fallen
_LONG = 0.5  # of the steps at a rate that counts
_LEAST = 60  # steps at such a rate
_RATE = 0.1  # of the peak, from which the rate counts
_MOST = 0.5  # of the steps at such a rate; with fewer the schedule itself has ended the learning


def plateau(recording: Recording) -> Verdict | None:
    """By the training loss; None where the net answers well, or where that can't be told."""
    losses = recording.losses
    if losses is None or recording.poor is not True or recording.refused is not None:
        return None
    counted = recording.rates(losses.steps) >= _RATE
    spent = counted.mean() < _MOST
    if recording.left is None or recording.left < (_LEFT_SPENT if spent else _LEFT):
        return None
    counted |= spent
    if counted.sum() < _LEAST:
        return None
    size = min(abs(losses.first), math.inf if recording.trivial is None else recording.trivial) - recording.floor
    smooth = losses.smooth
    begin = _begin(smooth, _STILL * size)
    after = counted[losses.width - 1 :][begin:].sum()
    if after < _LONG * counted.sum() or smooth[-1] > losses.first + _STILL * size * 5:
        return None
    step, end = int(losses.at[begin]), int(losses.at[-1])
    text = say(
        "health.plateau.since",
        step=step,
        end=end,
        share=share(float(after / counted.sum())),
        begin=figure(float(smooth[begin])),
        last=figure(losses.end),
        first=figure(losses.first),
    )
    values = {"since": float(smooth[begin]), "end": losses.end, "first": losses.first}
    return Verdict(
        "plateau",
        "warning",
        say("health.plateau"),
        (Evidence(text, (), (step, end), values),),
        say("health.plateau.spent" if spent else "health.plateau.remedy"),
        remedies.schedule(recording) if spent else remedies.rate(recording, 0.3),
    )


def _begin(smooth: np.ndarray, still: float) -> int:
    """The first place from which on the smoothed loss never falls by more than ``still``."""
    ahead = np.minimum.accumulate(smooth[::-1])[::-1]  # the lowest from each place on
    return int(np.flatnonzero(smooth - ahead <= still)[0])
