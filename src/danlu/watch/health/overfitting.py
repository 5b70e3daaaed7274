"""Training samples learnt by heart: the net answers them, and others far worse.

A validation loss above the training loss alone is no ailment: every net that learns has that gap. Told is a gap of a quarter of
what there was to learn, or a validation loss that rose for good, while the training loss is nearly as low as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.messages import say
from danlu.watch.figures import figure
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_LEAST = 5  # evaluations
_HEART = 0.05  # of what there was to learn is left of the training loss: it is learnt by heart
_GAP = 0.25  # of what there was to learn lies between training and validation; healthy runs had at most 0.15
_LEARNT = 0.4  # left of the training loss at most, where the other rose: else the whole training goes wrong
_HARM = 0.2  # the same of the validation loss, where it rose
_RISEN = 1.3  # last over lowest validation loss, above the floor
_HALF = 0.5  # training over validation loss, above the floor
_LAST = 5  # the risen loss is the lowest of the last fifth of the evaluations


@dataclass(frozen=True)
class _Course:
    """Losses above the floor. step: of the lowest validation loss."""

    train: float
    lowest: float
    last: float
    step: int
    end: int


def overfitting(recording: Recording) -> Verdict | None:
    """Needs losses of training epochs and at least five evaluations.

    A run that kept the weights of its lowest validation loss, and stopped early, is judged at that place.
    """
    course = _course(recording)
    if course is None:
        return None
    to_learn = None if recording.trivial is None else recording.trivial - recording.floor
    gap = to_learn is not None and course.train <= _HEART * to_learn and course.last - course.train >= _GAP * to_learn
    risen = course.last >= _RISEN * course.lowest and course.train <= _HALF * course.last
    if to_learn is not None:  # a net that is nearly always right may grow too sure of itself: that does no harm
        risen = risen and course.last >= _HARM * to_learn and course.train <= _LEARNT * to_learn
    if not gap and not risen:
        return None
    floor = recording.floor
    text = say(
        "health.overfitting.losses",
        train=figure(course.train + floor),
        last=figure(course.last + floor),
        lowest=figure(course.lowest + floor),
        step=course.step,
        end=course.end,
    )
    values = {"train": course.train + floor, "val": course.last + floor, "lowest_val": course.lowest + floor}
    return Verdict(
        "overfitting",
        "warning",
        say("health.overfitting.risen" if risen else "health.overfitting"),
        (Evidence(text, (), (course.step, course.end), values),),
        say("health.overfitting.remedy"),
        (remedies.early_stop(recording) if risen else {})
        | remedies.decay(recording)
        | remedies.dropout(recording, 0.4)
        | remedies.augment(recording)
        | remedies.smoothing(recording),
    )


def _course(recording: Recording) -> _Course | None:
    if (
        "val/loss" not in recording.curves
        or "epoch/train/loss" not in recording.curves
        or recording.refused is not None
    ):
        return None
    steps, losses = _sound(*recording.curves["val/loss"])
    epochs, trained = _sound(*recording.curves["epoch/train/loss"])
    if len(losses) < _LEAST or not len(trained):
        return None
    lowest, floor = int(losses.argmin()), recording.floor
    if recording.ended == "early-stop" and recording.recipe is not None and recording.recipe.evaluate.weights == "best":
        steps, losses = steps[: lowest + 1], losses[: lowest + 1]
    last = float(losses[-max(1, len(losses) // _LAST) :].min())
    then = max(0, int(np.searchsorted(epochs, steps[-1], side="right")) - 1)
    train = float(trained[then])
    return _Course(
        train - floor,
        float(losses.min()) - floor,
        last - floor,
        int(steps[losses.argmin()]),
        int(steps[-1]),
    )


def _sound(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = np.isfinite(values)
    return steps[kept], values[kept]
