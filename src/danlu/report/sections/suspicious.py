"""Samples whose label is probably wrong."""

from __future__ import annotations

from danlu.evaluation.suspicious import Suspect
from danlu.messages import say
from danlu.report.html import join, number, tag
from danlu.report.sections.base import Page, Section, class_of, share
from danlu.report.sections.cards import Entry, gallery


def section(page: Page) -> Section | None:
    found = page.facts.suspicion
    if not found:
        return None
    estimates = [
        say(
            "report.suspicious.estimate",
            part=say(f"report.part.{part}"),
            count=f"{round(one.estimated):,}",
            samples=f"{one.samples:,}",
            share=share(one.estimated / max(1, one.samples)),
        )
        for part, one in found.items()
    ]
    parts = [
        tag("p", say("report.suspicious.about")),
        tag("ul", [tag("li", estimate) for estimate in estimates]),
    ]
    if page.choice.suspects:
        entries = [_entry(one) for _, one in page.choice.suspects]
        heads = [say("report.given-label"), say("report.suggested-label")]
        parts.append(gallery(page, entries, heads, say("report.suspicious")))
    return Section("suspicious", say("report.suspicious"), join(parts))


def _entry(one: Suspect) -> Entry:
    given = number(one.given_probability, share(one.given_probability))
    suggested = number(one.suggested_probability, share(one.suggested_probability))
    return Entry(
        one.id,
        [
            tag("span", class_of(one.given), " ", given, class_="given"),
            tag("span", "→ ", tag("b", class_of(one.suggested), " ", suggested), class_="answer"),
        ],
    )
