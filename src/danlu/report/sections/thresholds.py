"""By how much classes' logits were moved, where thresholds were tuned."""

from __future__ import annotations

from danlu.messages import say
from danlu.report.html import join, number, tag
from danlu.report.sections.base import Page, Section, class_of, metric_name, more, note, table

_MOST = 30


def section(page: Page) -> Section | None:
    found = page.facts.thresholds
    if (
        not found
        or not found["classes"]
        or page.facts.columns.get("kinds", {}).get(found["target"], {}).get("kind") == "labels"
    ):
        return None  # of labels each has its own, told with it
    about = say(
        "report.thresholds.about",
        metric=metric_name(found["metric"]),
        samples=f"{found['samples']:,}",
        before=f"{found['before']:.4f}",
        after=f"{found['after']:.4f}",
    )
    rows = sorted(zip(found["classes"], found["offsets"], strict=True), key=lambda row: -row[1])
    shown = rows[: page.most(_MOST)]
    title = say("report.thresholds")
    heads = [say("report.class"), say("report.thresholds.offset")]
    made = table(heads, [[class_of(name), number(value)] for name, value in shown], title, right=(1,), titled=False)
    words = note(say("report.thresholds.note"))
    return Section("thresholds", title, join([tag("p", about), made, more(len(shown), len(rows)), words]))
