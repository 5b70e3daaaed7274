"""From which score on something counts as known: the threshold at a chosen rate of false acceptances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from danlu.errors import DataError
from danlu.messages import say
from danlu.metrics.pairing import every_pair
from danlu.metrics.roc import Ranked
from danlu.metrics.verification import smallest_far

_SEEN = 10  # false acceptances that are to be expected, at least


@dataclass(frozen=True)
class Rejection:
    """threshold: a score. far: asked for; tar: share of genuine comparisons that reach it. impostors: comparisons between different
    labels, or searches by strangers, that it rests on. source: where these came from. of: what ``far`` is a share of.

    A search among n entries of other labels compares n times: by a rate of comparisons it takes a stranger for somebody up to n times
    as often.
    """

    threshold: float
    far: float
    tar: float | None
    impostors: int
    source: str = ""
    of: Literal["comparisons", "searches"] = "comparisons"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rejection(
    vectors: np.ndarray, labels: Sequence[str], far: float, metric: Literal["cosine", "inner"], source: str = ""
) -> Rejection:
    """vectors: float32 (N, D). Raises DataError for a rate that the impostor pairs can't tell."""
    if len(labels) != len(vectors):
        raise DataError.of(source, say("index.counts", vectors=len(vectors), ids=len(labels), labels=len(labels)))
    known = np.asarray([bool(label) for label in labels])
    codes = np.unique(np.asarray(labels)[known], return_inverse=True)[1].reshape(-1)
    pairs = every_pair(vectors[known], codes.astype(np.int64))
    least = smallest_far(pairs)
    impostors = int((~pairs.same).sum())
    if not (0 < far < 1) or not far >= least - 1e-12:
        shown = "1" if np.isnan(least) else f"{least:.2g}"
        raise DataError.of(
            source, say("index.far", far=f"{far:g}", pairs=impostors, least=shown), say("index.far.remedy")
        )
    curves = Ranked.of(pairs.scores, pairs.same).curves()
    tar = float(curves.tar_at(far)[0]) if pairs.same.any() else None
    return Rejection(_threshold(pairs.scores[~pairs.same], far), far, tar, impostors, source)


def of_searches(best: np.ndarray, far: float, source: str = "") -> Rejection:
    """The score that at most the share ``far`` of searches by strangers reaches: the false positive identification rate (ISO/IEC
    19795-1). best: float (N,), of each stranger's search the highest score. Raises DataError for a rate that so few can't tell.
    """
    least = _SEEN / max(1, len(best))
    if not least <= far + 1e-12 <= 1:
        shown = f"{min(1.0, least):.2g}"
        what = say("index.far-searches", far=f"{far:g}", searches=len(best), least=shown)
        raise DataError.of(source, what, say("index.far-searches.remedy"))
    return Rejection(_threshold(best, far), far, None, len(best), source, "searches")


def _threshold(scores: np.ndarray, far: float) -> float:
    return Ranked.of(scores, np.zeros(len(scores), bool)).curves().threshold_at(far)
