"""Labels that are probably wrong: several models agree on another one, and just where the net is most certain.

Confident learning (Northcutt, Jiang & Chuang 2021) estimates how many labels are wrong from how sure a net is of others; a
net that is simply bad makes it see wrong labels everywhere. So the linear and the nearest-neighbour baseline must agree with the
net on the same other class. And hard samples, which models rightly find ambiguous, are those that the net is unsure of: what is
contradicted among the half that it is surest of is no such.
"""

from __future__ import annotations

import math

from danlu.messages import say
from danlu.metrics.interval import wilson
from danlu.watch.figures import share
from danlu.watch.health import remedies
from danlu.watch.health.recording import Recording
from danlu.watch.health.verdict import Evidence, Verdict

_AGAINST = 0.1  # of the surest half; healthy runs of the development set had at most 0.065, 20 % wrong labels gave 0.24
_SURELY = 0.07  # lower end of the 95 % interval of that share
_SHOWN = 10


def label_noise(recording: Recording) -> Verdict | None:
    """Needs answers of the net and of at least one baseline that looks at the input."""
    doubts = recording.doubts
    if doubts is None or not doubts.sure:
        return None
    part = doubts.against / doubts.sure
    low, _ = wilson(doubts.against, doubts.sure, 0.95)
    if part < _AGAINST or not low >= _SURELY:
        return None
    evidence = [
        Evidence(
            say("health.label-noise.against", against=doubts.against, sure=doubts.sure, share=share(part)),
            values={"against": doubts.against, "sure": doubts.sure, "share": part},
        ),
    ]
    if math.isfinite(doubts.estimated):
        text = say("health.label-noise.estimated", share=share(doubts.estimated), samples=doubts.samples)
        evidence.append(Evidence(text, values={"estimated": doubts.estimated}))
    if doubts.ids:
        listed = ", ".join(doubts.ids[:_SHOWN]) + (", …" if len(doubts.ids) > _SHOWN else "")
        evidence.append(Evidence(say("health.label-noise.ids", ids=listed), values={"listed": len(doubts.ids)}))
    return Verdict(
        "label-noise",
        "warning",
        say("health.label-noise", share=share(part)),
        tuple(evidence),
        say("health.label-noise.remedy"),
        remedies.smoothing(recording) | remedies.early_stop(recording),
    )
