"""Steps so small that the run can't get anywhere: weights hardly move, and the loss falls straight and slowly.

Only steps at which the rate was at least half of its peak are judged: schedules that end near zero make late updates tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief, figure, share
from danlu.watch.health import depth, remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.vanishing import vanishing_gradient
from danlu.watch.health.verdict import Evidence, Verdict

_TINY = 1e-4  # update over weight, a tenth of the rule of thumb (a thousandth); healthy runs had at least 5e-4
_SMALL = 1e-3  # the same where the loss falls straight as well
_FAR = 0.2  # of its size is what a weight could go in all steps: with less a run is no long, patient one
_FALLEN = 0.3  # of what there was to lose; more is progress
_STRAIGHT = 0.5  # the fall in the second half of the steps over that in the first
_SURE = 3.0  # the fall over the spread of the smoothed loss's steps


def rate_too_low(recording: Recording) -> Verdict | None:
    """Needs looks, and a net that answers poorly or whose loss has hardly fallen."""
    losses = recording.losses
    rungs = [rung for rung in depth.ladder(recording, 3) if rung.slope > 0]  # without a gradient no rate moves anything
    if recording.poor is False or losses is None or not rungs or recording.refused is not None:
        return None
    begin = float(losses.smooth[0])
    if begin - losses.end > _FALLEN * abs(begin - recording.floor) or vanishing_gradient(recording) is not None:
        return None
    moved = np.array([depth.while_fast(recording, rung) for rung in rungs])
    known = moved[np.isfinite(moved)]
    if not len(known):
        return None
    ratio = float(np.median(known))
    straight = _straight(recording)
    still = ratio <= _TINY and ratio * _fast_steps(recording) <= _FAR
    if recording.poor is None:  # then both must say so
        still = still and straight is not None and straight >= _STRAIGHT
        straight = None
    if not still and not (ratio <= _SMALL and straight is not None and straight >= _STRAIGHT):
        return None
    steps = rungs[0].parameter.steps
    span = (int(steps[0]), int(steps[-1]))
    evidence = [
        Evidence(
            say("health.rate-too-low.updates", ratio=brief(ratio), count=len(known)),
            tuple(rung.layer for rung in rungs),
            span,
            {"ratio": ratio},
        ),
        Evidence(
            say(
                "health.rate-too-low.loss",
                first=figure(begin),
                end=figure(losses.end),
                share=share(max(0.0, (begin - losses.end) / abs(begin))),
                steps=len(losses.steps),
            ),
            (),
            (int(losses.steps[0]), int(losses.steps[-1])),
            {"first": begin, "end": losses.end},
        ),
    ]
    return Verdict(
        "rate-too-low",
        "problem",
        say("health.rate-too-low", rate=brief(recording.peak)),
        tuple(evidence),
        say("health.rate-too-low.remedy"),
        remedies.rate(recording, 10),
    )


def _fast_steps(recording: Recording) -> int:
    if recording.fast is None:
        return 0 if recording.losses is None else len(recording.losses.steps)
    return recording.fast[1] - recording.fast[0] + 1


def _straight(recording: Recording) -> float | None:
    """The fall in the second half of the fast steps over that in the first; None where it does not surely fall."""
    losses = recording.losses
    if losses is None:
        return None
    low, high = recording.fast or (int(losses.steps[0]), int(losses.steps[-1]))
    chosen = (losses.steps >= low) & (losses.steps <= high)
    values = losses.values[chosen]
    if len(values) < 20:
        return None
    thirds = [np.median(part) for part in np.array_split(values, 3)]
    spread = (
        1.25 * np.std(values - np.interp(np.arange(len(values)), *_middles(values, thirds))) / np.sqrt(len(values) / 3)
    )
    first, second = float(thirds[0] - thirds[1]), float(thirds[1] - thirds[2])
    if first <= 0 or thirds[0] - thirds[2] < _SURE * spread * np.sqrt(2):
        return None
    return second / first


def _middles(values: np.ndarray, thirds: Sequence[np.floating[Any]]) -> tuple[list[float], list[float]]:
    """Where the medians of the thirds lie."""
    size = len(values)
    return [size / 6, size / 2, 5 * size / 6], [float(value) for value in thirds]
