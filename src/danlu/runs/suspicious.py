"""Samples whose label is probably wrong.

Confident learning: Northcutt, Jiang & Chuang, Journal of Artificial Intelligence Research 70, 2021.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from danlu.runs.judged import ClassPredictions


@dataclass(frozen=True)
class Suspect:
    """A sample whose label is doubted. given, suggested: class names; their probabilities by the net.

    margin: suggested's probability less given's, in (0, 1]. confident: the suggested class is at least as probable as it is, on
    average, for samples that carry its label.
    """

    id: str
    given: str
    suggested: str
    given_probability: float
    suggested_probability: float
    margin: float
    confident: bool


@dataclass(frozen=True)
class Suspicion:
    """suspects: by falling margin, no more than ``estimated``: how many labels are wrong, by the joint of given and latent ones.

    joint: float64 (K, K), estimated share of samples with given label i (rows) and latent label j (columns); sums to 1.
    in_sample: the net has learnt these labels, so that far too few are doubted.
    """

    suspects: tuple[Suspect, ...]
    estimated: float
    samples: int
    joint: np.ndarray
    in_sample: bool

    def as_dict(self, most: int | None = None) -> dict[str, Any]:
        """JSON-able: at most ``most`` suspects, without the joint."""
        return {
            "suspects": [asdict(one) for one in self.suspects[:most]],
            "found": len(self.suspects),
            "estimated": self.estimated,
            "samples": self.samples,
            "in_sample": self.in_sample,
        }


def suspicious(predictions: ClassPredictions) -> Suspicion:
    """Labels that are probably wrong; meant for samples that the net has not learnt from (validation, test, folds).

    A sample counts for class j where its probability of j is at least the mean that samples labelled j get (of several such j,
    the most probable). How often samples labelled i count for j, calibrated, is the joint of given and latent labels, and
    tells how many labels are wrong; which ones, the margin by which another class is more probable than the given one.
    """
    answers, size, total = predictions.answers, len(predictions.classes), len(predictions)
    threshold = _thresholds(predictions)
    counted = np.zeros((size, size), np.int64)
    confident = np.zeros(total, bool)
    for rows, probability in predictions.blocks():
        sure = np.where(probability >= threshold, probability, -1.0)
        latent, given = sure.argmax(1), answers.true[rows]
        certain = sure[np.arange(len(rows)), latent] >= 0
        counted += np.bincount(given[certain] * size + latent[certain], minlength=size * size).reshape(size, size)
        confident[rows] = certain & (latent != given)
    joint = _joint(counted, np.bincount(answers.true, minlength=size))
    wrong = float(joint.sum() - np.trace(joint)) * total
    margin = answers.sure - answers.given
    doubted = [int(row) for row in np.argsort(-margin, kind="stable")[: round(wrong)] if margin[row] > 0]
    suspects = tuple(
        Suspect(
            id=predictions.ids[row],
            given=predictions.classes[answers.true[row]],
            suggested=predictions.classes[answers.predicted[row]],
            given_probability=float(answers.given[row]),
            suggested_probability=float(answers.sure[row]),
            margin=float(margin[row]),
            confident=bool(confident[row]),
        )
        for row in doubted
    )
    return Suspicion(suspects, wrong, total, joint, predictions.in_sample)


def _thresholds(predictions: ClassPredictions) -> np.ndarray:
    """float64 (K,): the mean probability of class j over samples labelled j; infinite where there are none."""
    size, true = len(predictions.classes), predictions.answers.true
    sums = np.bincount(true, weights=predictions.answers.given, minlength=size)
    count = np.bincount(true, minlength=size)
    means: np.ndarray = np.divide(sums, count, out=np.full(size, np.inf), where=count > 0)
    return means


def _joint(counted: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The paper's calibration: each row scaled to the samples that carry its label, then everything to 1."""
    counted = counted.astype(np.float64)
    empty = counted.sum(1) == 0
    counted[empty, empty] = 1.0  # nothing counted: their labels are taken to be right
    scaled = counted / counted.sum(1, keepdims=True) * labelled[:, None]
    return np.asarray(scaled / max(1.0, scaled.sum()))
