"""Whether a net learnt too little, enough, or its training samples by heart: from the losses of training and validation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from danlu.watch.history import Steps, Values

Kind = Literal["overfitting", "rising", "underfitting", "unfinished", "gap", "fine", "unknown"]

LEAST = 3  # evaluations
RISE = 0.05  # validation loss above its lowest, as a share of it, from which it counts as risen
HEART = 0.5  # training over validation loss: a net whose validation loss rose, and that knows its own samples twice as well, overfits
FALL = 0.02  # by how much a training loss must have fallen meanwhile
STILL = 0.03  # the validation loss fell by so much in the last fifth: it is not done
LEARNT = 0.05  # a training loss that fell by less in all has learnt next to nothing
GAP = 1.5  # validation over training loss
_LOWEST, _EARLIER = (
    4.0,
    2.5,
)  # standard deviations by which an end is surely off the lowest (which chance helps), off another
_SHARE = 5  # a loss is smoothed over a fifth of the evaluations


@dataclass(frozen=True)
class Fit:
    """kind: "overfitting", the validation loss rose while the training loss fell, to half of it or less; "rising", the same without
    such a distance; "underfitting", the training loss hardly fell; "unfinished", the validation loss was still falling at the end;
    "gap", validation is much worse than training, but did not rise; "fine"; "unknown": fewer than three evaluations.

    first_train, last_train: mean training loss of the first and the last epoch, best_train: of the epoch up to the lowest validation
    loss. best_val, last_val: its lowest and last value. earlier_val: at four fifths of the evaluations. best_epoch, last_epoch: epochs
    finished by then.
    """

    kind: Kind
    first_train: float
    best_train: float
    last_train: float
    best_val: float
    last_val: float
    earlier_val: float
    best_epoch: float
    last_epoch: float
    evaluations: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for NaN."""
        return asdict(self)


def fit_of(curves: Mapping[str, tuple[Steps, Values]], steps_per_epoch: int) -> Fit | None:
    """curves: of :func:`danlu.watch.history.curves`. None where there is no validation loss or no training loss of epochs.

    Training losses are the means of epochs, with augmentation and dropout at work and weights that still move: they can lie above the
    validation loss of a net that fits well.
    """
    if "val/loss" not in curves or "epoch/train/loss" not in curves:
        return None
    steps, losses = _finite(*curves["val/loss"])
    epochs, trained = _finite(*curves["epoch/train/loss"])
    if not len(losses) or not len(trained):
        return None
    lowest = int(losses.argmin())
    at_best = max(0, int(np.searchsorted(epochs, steps[lowest], side="right")) - 1)
    return Fit(
        kind=_kind(losses, float(trained[0]), float(trained[at_best]), float(trained[-1])),
        first_train=float(trained[0]),
        best_train=float(trained[at_best]),
        last_train=float(trained[-1]),
        best_val=float(losses[lowest]),
        last_val=float(losses[-1]),
        earlier_val=float(losses[-1 - max(1, len(losses) // _SHARE)]) if len(losses) > 1 else float(losses[0]),
        best_epoch=float(steps[lowest]) / steps_per_epoch,
        last_epoch=float(steps[-1]) / steps_per_epoch,
        evaluations=len(losses),
    )


def agreed(fit: Fit, verdicts: Collection[str]) -> Fit:
    """With what the verdicts on the run's health say, which see more than two curves: the baselines, and how low the loss could be.

    verdicts: names of all that were found. The curves alone may only hint at what these rule out.
    """
    if "overfitting" in verdicts:
        return replace(fit, kind="overfitting")
    if not {"underfitting", "plateau"}.isdisjoint(verdicts):
        return replace(fit, kind="underfitting")
    milder: dict[Kind, Kind] = {"overfitting": "rising", "underfitting": "fine"}
    return replace(fit, kind=milder.get(fit.kind, fit.kind))


def _kind(losses: Values, first: float, then: float, last: float) -> Kind:
    """losses: of validation, (N,). first, then, last: training losses of the first epoch, of that of the lowest validation loss, and
    of the last.
    """
    if len(losses) < LEAST:
        return "unknown"
    width = max(1, len(losses) // _SHARE)
    smooth = np.lib.stride_tricks.sliding_window_view(losses, width).mean(1)
    unsure = _noise(losses) * math.sqrt(2 / width)
    end, lowest, earlier = float(smooth[-1]), float(smooth.min()), float(smooth[-1 - width])
    risen = end - lowest > max(RISE * abs(lowest), _LOWEST * unsure) and losses[-1] > losses.min()
    if risen and then - last > FALL * abs(then):
        return "overfitting" if last <= HEART * end else "rising"
    if first - last < LEARNT * abs(first):
        return "underfitting"
    if earlier - end > max(STILL * abs(earlier), _EARLIER * unsure):
        return "unfinished"
    return "gap" if 0 < last < end / GAP else "fine"


def _noise(losses: Values) -> float:
    """Standard deviation of single evaluations about their course, by second differences, which a steady course leaves at 0.

    Somewhat more where they are few, since it is known the less.
    """
    bends = np.abs(np.diff(losses, 2))
    return (1 + 2 / len(losses)) * 1.4826 * float(np.median(bends)) / math.sqrt(6)


def _finite(steps: Steps, values: Values) -> tuple[Steps, Values]:
    sound = np.isfinite(values)
    return steps[sound], values[sound]
