"""What duplicates would have let one claim, and what nearly equal rows look like."""

from __future__ import annotations

from danlu.messages import say
from danlu.report.html import join, number, tag
from danlu.report.sections.base import Page, Section, pairs
from danlu.runs.claimed import text_of
from danlu.watch.verdict import baseline_name


def section(page: Page) -> Section | None:
    path = page.facts.run.folder.claimed
    found = page.facts.run.folder.read_json(path) if path.is_file() else None
    if not found:
        return None
    name = baseline_name(str(found["baseline"]))
    rows = [(say("text.report.equal"), f"{found['twins']:,}")]
    if found.get("near") is not None:
        rows.append((say("text.report.near"), f"{found['near']:,}"))
    rows += [
        (say("text.report.naive", baseline=name), number(found["naive"], f"{found['naive']:.4f}")),
        (say("text.report.honest", baseline=name), number(found["honest"], f"{found['honest']:.4f}")),
    ]
    body = join([tag("p", text_of(found)), pairs(rows, str(found["metric"]), right=True)])
    return Section("duplicates", say("text.report.claimed"), body)
