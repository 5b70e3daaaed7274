"""The recipe as it was carried out, every default and every automatic choice written out."""

from __future__ import annotations

import shlex

from danlu.messages import say
from danlu.report.html import cut, join, prose, tag
from danlu.report.sections.base import Page, Section, folded

_LONGEST = 40_000  # characters
_CHOICES = 40


def section(page: Page) -> Section | None:
    facts = page.facts
    text = facts.run.folder.recipe.read_text(encoding="utf-8", errors="replace")
    limit = page.most(_LONGEST)
    shown = text if len(text) <= limit else f"{text[:limit]}\n…"
    said = [
        str(record["text"]) for record in facts.records if record["type"] == "said" and record.get("level") == "info"
    ]
    chosen = [tag("li", cut(one, 400)) for one in dict.fromkeys(said[:_CHOICES])]
    path = shlex.quote(f"{facts.run.path}/recipe.yaml")
    body = [
        tag("p", prose(say("report.recipe.about", path=path.replace("`", "'")))),
        tag("ul", chosen, class_="chosen") if chosen else None,
        folded(say("report.recipe.whole"), tag("pre", tag("code", shown), tabindex="0")),
    ]
    return Section("recipe", say("report.recipe"), join(body))
