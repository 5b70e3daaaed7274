"""A layer that hardly moves while the others learn: its updates are far too small for its weights.

A step should change weights by about a thousandth of their size (Karpathy's rule of thumb in CS231n; You et al. 2017 build LARS on
that ratio). One layer far below the others has weights far too large, or a gradient that hardly reaches it.
"""

from __future__ import annotations

import numpy as np

from danlu.messages import say
from danlu.watch.figures import brief
from danlu.watch.health import depth, remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.series import LEAST
from danlu.watch.health.verdict import Evidence, Verdict

_STILL = 5e-5  # a twentieth of the rule of thumb
_LEARN = 5e-4  # of the others: they learn; where none does, it is the rate
_BEHIND = 1 / 50  # of the median of the other layers
_SHOWN = 5


def update_ratio(recording: Recording) -> Verdict | None:
    """Of trained matrices and kernels. None without looks, and where the net answers well."""
    rungs = depth.ladder(recording, LEAST)
    if recording.poor is False or len(rungs) < 2:
        return None
    moved = np.array([rung.moved for rung in rungs])
    found = []
    for place, rung in enumerate(rungs):
        others = np.delete(moved, place)
        others = others[np.isfinite(others)]
        if len(others) and np.median(others) >= _LEARN and rung.moved <= min(_STILL, _BEHIND * np.median(others)):
            found.append((rung, float(np.median(others))))
    if not found or len(found) > len(rungs) // 2:
        return None
    evidence = tuple(
        Evidence(
            say(
                "health.update-ratio.layer",
                name=rung.parameter.name,
                moved=brief(rung.moved),
                others=brief(others),
                looks=len(rung.parameter.steps),
            ),
            layers=(rung.layer,),
            steps=(int(rung.parameter.steps[0]), int(rung.parameter.steps[-1])),
            values={"ratio": rung.moved, "others": others},
        )
        for rung, others in found[:_SHOWN]
    )
    return Verdict(
        "update-ratio",
        "warning",
        say("health.update-ratio", layers=len(found), of=len(rungs)),
        evidence,
        say("health.update-ratio.remedy"),
        remedies.norm(recording),
    )
