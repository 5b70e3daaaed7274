"""What a person was warned of while the run went on, and what of it could not be read."""

from __future__ import annotations

from danlu.messages import say
from danlu.report.html import cut, join, prose, tag
from danlu.report.sections.base import Page, Section, more

_MOST = 30
_LONGEST = 600  # characters


def section(page: Page) -> Section | None:
    facts = page.facts
    said = [record for record in facts.records if record["type"] == "said" and record.get("level") == "warning"]
    said += [record for record in facts.records if record["type"] == "non-finite" and record.get("text")]
    texts = [str(record["text"]) for record in said] + [str(problem) for problem in facts.problems]
    texts = list(dict.fromkeys(texts))
    if not texts:
        return None
    shown = texts[: page.most(_MOST)]
    listed = tag("ul", [tag("li", prose(cut(text, _LONGEST))) for text in shown], class_="warnings")
    return Section("remarks", say("report.remarks"), join([listed, more(len(shown), len(texts))]))
