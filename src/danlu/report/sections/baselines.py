"""The net beside simple models, judged on the same samples."""

from __future__ import annotations

import math
from typing import Any

from danlu.messages import say
from danlu.metrics.meaning import better
from danlu.report.charts.bars import Bar, bars
from danlu.report.described import setting
from danlu.report.html import Child, Html, between, join, name_of, number, tag
from danlu.report.sections.base import Page, Section, folded, metric, metric_name, table
from danlu.watch.figures import duration
from danlu.watch.verdict import baseline_name, beside, verdict


def section(page: Page) -> Section | None:
    facts = page.facts
    entries, compared = facts.baselines, facts.compared()
    if not entries or compared is None:
        return None
    part = facts.part or "val"
    name = f"{part}/{compared.metric}"
    rows = [Bar(say("report.net"), compared.net, facts.intervals.get(name), own=True)]
    rows += [
        Bar(baseline_name(each), value, _interval(entries[each], name)) for each, value in compared.baselines.items()
    ]
    rows.sort(key=lambda row: -compared.better * row.value)
    shown = metric_name(compared.metric)
    drawing = bars(say("report.baselines.of", metric=shown), beside(compared), rows, shown)
    body = [
        tag("p", verdict(compared)),
        tag("div", tag("figure", drawing), _metrics(page, part), class_="beside"),
        _fitted(page, part),
    ]
    return Section("baselines", say("report.baselines"), join(body))


def _interval(entry: dict[str, Any], name: str) -> tuple[float, float] | None:
    bounds = entry.get("intervals", {}).get(name)
    return None if bounds is None else (float(bounds[0]), float(bounds[1]))


def _metrics(page: Page, part: str) -> Html:
    """All metrics of the part: the net's and each baseline's."""
    facts, entries = page.facts, page.facts.baselines
    known = {name for entry in entries.values() for name in entry.get("values", {})}
    names = [name for name in facts.metrics if name.startswith(f"{part}/") and name in known]
    rows: list[list[Child]] = []
    for name in names:
        values = [facts.metrics[name], *(entry["values"].get(name) for entry in entries.values())]
        sound = [value for value in values if value is not None and not math.isnan(value)]
        best = max(sound, key=lambda value: better(name) * value, default=None)
        rows.append([metric_name(name), *(_value(value, name, value == best) for value in values)])
    heads = [say("report.metric"), say("report.net"), *map(baseline_name, entries)]
    return table(heads, rows, say("report.baselines.all"), right=range(1, len(heads)))


def _value(value: float | None, name: str, best: bool) -> Html:
    return Html("–") if value is None else metric(value, name, class_="best" if best else None)


def _fitted(page: Page, part: str) -> Html:
    """Rows, choices and time of each, and by how much the net differs from it."""
    rows: list[list[Child]] = []
    for name, entry in page.facts.baselines.items():
        settings = ", ".join(setting(key, value) for key, value in entry.get("settings", {}).items()) or "–"
        took = duration(float(entry.get("seconds", 0.0)))
        rows.append([baseline_name(name), f"{entry.get('rows', 0):,}", _gap(entry, part), took, name_of(settings, 60)])
    names = ("baseline", "fitted-on", "net-less", "took", "settings")
    title = say("report.baselines.fitted")
    return folded(title, table([say(f"report.{name}") for name in names], rows, title, right=(1, 2, 3), titled=False))


def _gap(entry: dict[str, Any], part: str) -> Html:
    """The paired difference, with its interval."""
    told = {key: found for key, found in entry.get("differences", {}).items() if key.startswith(f"{part}/")}
    found = next(iter(told.values()), None)
    if found is None:
        return Html("–")
    bounds = found.get("interval")
    return join([
        number(found["difference"]), " (", between(None if bounds is None else (bounds[0], bounds[1])), ")",
    ])  # fmt: skip
