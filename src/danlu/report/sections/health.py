"""What ails the run, causes first, with the patches that mend it."""

from __future__ import annotations

import shlex

from danlu.messages import choose, say
from danlu.recipe.writing import shown
from danlu.report.html import Child, Html, cut, join, prose, tag
from danlu.report.sections.base import Page, Section, told
from danlu.watch.health.verdict import Evidence, Verdict

_COLOURS = {"note": "plain", "warning": "warn", "problem": "bad"}
_EVIDENCE, _LAYERS = 12, 6  # of a verdict, and of an evidence
_LONGEST = 400  # characters


def section(page: Page) -> Section | None:
    facts = page.facts
    if not facts.curves:
        return None
    parts: list[Child] = [_verdict(one) for one in facts.health]
    if not parts:
        parts.append(told("good", say("report.health.fine")))
    if not facts.looked:
        parts.append(tag("p", prose(say("report.health.unseen")), class_="note"))
    if any(one.patch for one in facts.health):
        command = f"danlu fix {shlex.quote(str(facts.run.path))}".replace("`", "'")
        parts.append(tag("p", prose(say("report.health.fix", command=command))))
    return Section("health", say("report.health"), join(parts))


def _verdict(one: Verdict) -> Html:
    evidence = [tag("li", _evidence(each)) for each in one.evidence[:_EVIDENCE]]
    patch = "\n".join(f"{key}: {shown(value)}" for key, value in one.patch.items())
    return told(
        _COLOURS[one.severity],
        tag("h3", prose(one.text), " ", tag("span", say(f"report.health.{one.severity}"), class_="badge")),
        tag("ul", evidence),
        tag("p", tag("b", say("report.health.remedy")), choose((" ", "")), prose(one.remedy)),
        tag("pre", tag("code", patch), tabindex="0") if patch else None,
    )


def _evidence(one: Evidence) -> Html:
    """The sentence holds its figures; layers and steps that it does not name are added."""
    layers = [name for name in one.layers if name and name not in one.text]
    if not layers:
        return prose(cut(one.text, _LONGEST))
    named = cut(", ".join(layers[:_LAYERS]) + (", …" if len(layers) > _LAYERS else ""), _LONGEST)
    return join([prose(cut(one.text, _LONGEST)), choose((f" ({named})", f"（{named}）"))])
