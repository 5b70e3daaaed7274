"""Embeddings that have collapsed: all of one point, or on so few directions that they tell samples apart no more.

Chen & He 2021 ("Exploring simple siamese representation learning") look at the deviation of embeddings made 1 long, which is 1/√D in
each dimension where they spread over the sphere; Jing et al. 2022 describe the collapse onto few dimensions.
"""

from __future__ import annotations

import numpy as np

from danlu.messages import say
from danlu.watch.figures import figure
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_POINT = 0.05  # of the deviation of embeddings that point everywhere alike
_FEW = 1.5  # effective directions


def collapse(recording: Recording) -> Verdict | None:
    """By the last evaluation; None where no embeddings were judged."""
    deviations, ranks = (recording.curves.get(f"val/{name}") for name in ("embedding-std", "effective-rank"))
    if deviations is None or ranks is None or not len(deviations[1]) or not len(ranks[1]):
        return None
    step, deviation, rank = int(deviations[0][-1]), float(deviations[1][-1]), float(ranks[1][-1])
    if not np.isfinite(deviation) or (deviation >= _POINT and rank >= _FEW):
        return None
    point = deviation < _POINT
    text = say("health.collapse.figures", step=step, deviation=figure(deviation), rank=figure(rank))
    values = {"embedding-std": deviation, "effective-rank": rank}
    return Verdict(
        "collapse",
        "problem" if point else "warning",
        say("health.collapse.point" if point else "health.collapse.few"),
        (Evidence(text, (), (step, step), values),),
        say("health.collapse.remedy"),
    )
