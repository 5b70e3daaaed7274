"""All rules, causes before what they cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from danlu.messages import say
from danlu.watch.health.collapse import collapse
from danlu.watch.health.dead_relu import dead_relu
from danlu.watch.health.divergence import divergence
from danlu.watch.health.exploding import exploding_gradient
from danlu.watch.health.label_noise import label_noise
from danlu.watch.health.overfitting import overfitting
from danlu.watch.health.plateau import plateau
from danlu.watch.health.rate_too_high import rate_too_high
from danlu.watch.health.rate_too_low import rate_too_low
from danlu.watch.health.recording import Recording
from danlu.watch.health.saturated import saturated
from danlu.watch.health.underfitting import underfitting
from danlu.watch.health.unused import frozen_parameters, unused_parameters
from danlu.watch.health.update_ratio import update_ratio
from danlu.watch.health.vanishing import vanishing_gradient
from danlu.watch.health.verdict import Verdict

Rule = Callable[[Recording], Verdict | None]

RULES: dict[str, Rule] = {
    "divergence": divergence,
    "rate-too-high": rate_too_high,
    "rate-too-low": rate_too_low,
    "exploding-gradient": exploding_gradient,
    "vanishing-gradient": vanishing_gradient,
    "dead-relu": dead_relu,
    "saturated": saturated,
    "update-ratio": update_ratio,
    "unused-parameters": unused_parameters,
    "frozen-parameters": frozen_parameters,
    "collapse": collapse,
    "label-noise": label_noise,
    "overfitting": overfitting,
    "plateau": plateau,
    "underfitting": underfitting,
}
"""Name → rule. A rule gives None where its data were not recorded."""


CAUSES = frozenset(RULES) - {"unused-parameters", "collapse", "label-noise", "overfitting", "plateau", "underfitting"}
SYMPTOMS = ("plateau", "underfitting")


def verdicts(recording: Recording) -> tuple[Verdict, ...]:
    """Beside a cause, what it leads to is told without a patch of its own. That nothing passes a dead layer needs no saying."""
    found = tuple(verdict for rule in RULES.values() if (verdict := rule(recording)) is not None)
    if any(one.name == "dead-relu" and one.severity == "problem" for one in found):
        found = tuple(one for one in found if one.name != "vanishing-gradient" or one.evidence[-1].values["ratio"] > 0)
    if not any(verdict.name in CAUSES for verdict in found):
        return found
    first = say("health.causes-first")
    return tuple(replace(one, remedy=first, patch={}) if one.name in SYMPTOMS else one for one in found)
