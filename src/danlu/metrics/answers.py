"""What a classifier answered, a few numbers a sample: enough for every figure, without the probabilities themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Answers:
    """N samples with a known label, of K classes.

    true, predicted: int64 (N,); of equally probable classes the first is predicted. given: float64 (N,), the true class's
    probability. sure: float64 (N,), the predicted class's. loss: float64 (N,), -log of ``given`` clipped to [eps, 1 - eps] of
    its dtype. top5: bool (N,), the true class is among the five most probable. odds: float64 (N,), for two classes the
    log-odds of the second, else NaN. squares: float64 (N,), Σ over classes of (probability - truth)².
    """

    classes: int
    true: np.ndarray
    predicted: np.ndarray
    given: np.ndarray
    sure: np.ndarray
    loss: np.ndarray
    top5: np.ndarray
    odds: np.ndarray
    squares: np.ndarray

    def __len__(self) -> int:
        return len(self.true)

    @property
    def hits(self) -> np.ndarray:
        """bool (N,): the predicted class is the true one."""
        return np.asarray(self.true == self.predicted)

    @classmethod
    def of(cls, probability: np.ndarray, label: np.ndarray) -> Answers:
        """probability: float (B, K). label: (B,), none negative (see :func:`known`)."""
        probability, label = np.asarray(probability), np.asarray(label, np.int64)
        classes = probability.shape[1]
        if len(label) and not 0 <= label.min() <= label.max() < classes:
            raise ValueError(f"labels from {label.min()} to {label.max()} where there are {classes} classes")
        rows = np.arange(len(label))
        predicted = probability.argmax(1) if len(label) else np.empty(0, np.int64)
        given = probability[rows, label]
        eps = np.finfo(probability.dtype).eps
        earlier = np.arange(classes) < label[:, None]
        better = (probability > given[:, None]) | ((probability == given[:, None]) & earlier)
        wide = probability.astype(np.float64)
        odds = np.full(len(label), np.nan)
        if classes == 2:
            with np.errstate(divide="ignore"):
                odds = np.log(wide[:, 1]) - np.log(wide[:, 0])
        own = given.astype(np.float64)
        return cls(
            classes=classes,
            true=label,
            predicted=predicted.astype(np.int64),
            given=own,
            sure=wide[rows, predicted],
            loss=-np.log(np.clip(given, eps, 1 - eps).astype(np.float64)),
            top5=better.sum(1) < 5,
            odds=odds,
            squares=np.square(wide).sum(1) - np.square(own) + np.square(1 - own),
        )

    @classmethod
    def joined(cls, blocks: Sequence[Answers], classes: int) -> Answers:
        """Blocks one after another."""
        blocks = blocks or [cls.of(np.empty((0, classes)), np.empty(0, np.int64))]
        names = [field.name for field in fields(cls) if field.name != "classes"]
        return cls(classes, **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names})

    def pick(self, rows: np.ndarray) -> Answers:
        """Some of the samples: int64 rows or a bool mask (N,)."""
        names = [field.name for field in fields(self) if field.name != "classes"]
        return Answers(self.classes, **{name: getattr(self, name)[rows] for name in names})


def known(label: np.ndarray) -> np.ndarray:
    """bool (B,): samples that have a label; negative ones are ignored everywhere."""
    return np.asarray(np.asarray(label) >= 0)
