"""A comparison in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from danlu.messages import choose, say
from danlu.recipe.writing import shown
from danlu.watch.verdict import amount

if TYPE_CHECKING:
    from danlu.evaluation.comparison import Comparison, Pair

_LISTED = 6  # differences of recipes told in a sentence


def whole(comparison: Comparison) -> str:
    """Each pair; then what differs between the recipes and the data."""
    told = [pair(each) for each in comparison.pairs]
    if comparison.recipe:
        some = [f"{each.key} {arrows(each.values)}" for each in comparison.recipe[:_LISTED]]
        more = len(comparison.recipe) - len(some)
        told.append(say("evaluation.recipes-differ", differences=choose(("; ", "；")).join(some)))
        if more > 0:
            told.append(say("evaluation.and-more", count=more))
    else:
        told.append(say("evaluation.recipes-same"))
    if any(each.key == "fingerprint" for each in comparison.data):
        told.append(say("evaluation.data-differ"))
    return choose((" ", "")).join(told)


def pair(found: Pair) -> str:
    """Which of two is better by how much on what, or why that can't be said."""
    names = {"first": found.first, "other": found.other}
    if not found.metrics:
        told = [say("evaluation.nothing-shared", **names)]
    else:
        decides = found.metrics[0]
        gain = decides.better * decides.difference
        bounds = sorted(decides.better * bound for bound in decides.interval)
        words: dict[str, Any] = names | {"metric": decides.name, "samples": f"{found.shared:,}"}
        if not all(map(math.isfinite, bounds)):
            words["by"] = amount(abs(gain), decides.name)
            told = [say("evaluation.better-unsure" if gain >= 0 else "evaluation.worse-unsure", **words)]
        else:
            words["confidence"] = f"{100 * found.confidence:g} %"
            if bounds[1] < 0:
                gain, bounds = -gain, [-bounds[1], -bounds[0]]
                words |= {"first": found.other, "other": found.first}
            words["by"] = amount(gain, decides.name)
            words["low"], words["high"] = (amount(bound, decides.name, unit=False) for bound in bounds)
            told = [say("evaluation.better" if bounds[0] > 0 else "evaluation.no-difference", **words)]
    if found.metrics and (found.only_first or found.only_other):
        told.append(say("evaluation.partly-shared", **names, one=f"{found.only_first:,}", two=f"{found.only_other:,}"))
    if found.relabelled:
        told.append(say("evaluation.relabelled", count=f"{len(found.relabelled):,}"))
    return choose((" ", "")).join(told)


def arrows(values: tuple[Any, ...]) -> str:
    """ "22 → 30"."""
    return " → ".join("–" if value is None else shown(value) for value in values)
