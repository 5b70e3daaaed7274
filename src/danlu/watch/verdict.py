"""The net beside its baselines, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from danlu.messages import say
from danlu.messages.texts.evaluation import TEXTS
from danlu.metrics.meaning import better, is_share
from danlu.training.events import Compared
from danlu.watch.figures import figure


def verdict(found: Compared) -> str:
    """One sentence: by how much the net beats the best baseline, or that it does not."""
    gain = found.better * found.difference
    bounds = sorted(found.better * bound for bound in found.interval)
    known = all(map(math.isfinite, bounds))
    words = {"name": baseline_name(found.best), "value": figure(found.baselines[found.best])}
    words["by"] = amount(abs(gain), found.metric)
    if gain == 0:
        return say("evaluation.level", name=words["name"], value=words["value"])
    if not known:
        return say("evaluation.beats" if found.beaten else "evaluation.beaten-not", **words)
    words["low"], words["high"] = (amount(bound, found.metric, unit=False) for bound in bounds)
    words["confidence"] = f"{100 * found.confidence:g} %"
    if found.beaten:
        return say("evaluation.beats-surely", **words)
    return say("evaluation.beaten-not-surely" if gain > 0 else "evaluation.worse", **words)


def untrained(metrics: Mapping[str, float], part: str) -> tuple[bool, str] | None:
    """(whether the net is better than it was before it learnt anything, one sentence of that), by the first metric of a part that
    stands beside its like with "untrained-" in front; None where there is none.
    """
    for name, value in metrics.items():
        before = metrics.get(f"{part}/untrained-{name.removeprefix(f'{part}/')}")
        if before is None or not name.startswith(f"{part}/") or not all(map(math.isfinite, (value, before))):
            continue
        short = name.removeprefix(f"{part}/")
        gain = better(short) * (value - before)
        words = {"name": short, "value": figure(value), "before": figure(before), "by": amount(abs(gain), short)}
        return gain > 0, say("evaluation.untrained.better" if gain > 0 else "evaluation.untrained.not", **words)
    return None


def beside(found: Compared) -> str:
    """The baselines' figures in a row: "majority 0.1000 · linear 0.8505"."""
    return " · ".join(f"{baseline_name(name)} {figure(value)}" for name, value in found.baselines.items())


def baseline_name(name: str) -> str:
    """In the reader's language; one of somebody's own as it is."""
    return say(f"evaluation.baseline.{name}") if f"evaluation.baseline.{name}" in TEXTS else name


def amount(difference: float, metric: str, unit: bool = True) -> str:
    """Shares in points (hundredths), anything else as it is: "6.6 points", "0.1234"."""
    if not is_share(metric):
        return figure(difference)
    points = f"{100 * difference:.1f}"
    return say("evaluation.points", points=points) if unit else points
