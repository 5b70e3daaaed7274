"""How well each class is found."""

from __future__ import annotations

import math

from danlu.evaluation.classes import ClassFigures
from danlu.messages import say
from danlu.metrics.interval import Interval
from danlu.report.html import Html, between, join, number, tag
from danlu.report.sections.base import Page, Section, class_of, table

_MOST = 120


def section(page: Page) -> Section | None:
    found = page.facts.class_table
    if not found:
        return None
    limit = page.most(_MOST)
    order = range(len(found)) if len(found) <= limit else _worst_first(found)[:limit]
    rows = [
        [class_of(found[place].name), f"{found[place].support:,}", *_figures(found[place], place)] for place in order
    ]
    heads = [say("report.class"), say("report.support"), say("report.precision"), say("report.recall"), "F1"]
    about = say("report.classes.about", part=page.part, confidence=page.confidence)
    cut = None
    if len(rows) < len(found):
        cut = tag("p", say("report.classes.worst-first", shown=len(rows), total=f"{len(found):,}"))
    made = table(heads, rows, say("report.classes"), right=(1, 2, 3, 4), titled=False)
    return Section("classes", say("report.classes"), join([tag("p", about), cut, made]))


def _worst_first(found: list[ClassFigures]) -> list[int]:
    """Places by rising F1; those for which it is undefined come last."""
    return sorted(range(len(found)), key=lambda place: (math.isnan(found[place].f1), found[place].f1))


def _figures(one: ClassFigures, place: int) -> list[Html]:
    return [
        _cell(f"class/{place}/precision", one.precision, one.precision_interval),
        _cell(f"class/{place}/recall", one.recall, one.recall_interval),
        _cell(f"class/{place}/f1", one.f1, one.f1_interval),
    ]


def _cell(name: str, value: float, bounds: Interval) -> Html:
    """The value above its interval, and both on a scale from 0 to 1."""
    if math.isnan(value):
        return Html("–")
    low, high = bounds if all(map(math.isfinite, bounds)) else (value, value)
    drawn = tag(
        "span", tag("i"), class_="range", style=f"--v:{value:.3f};--l:{low:.3f};--h:{high:.3f}", aria_hidden="true"
    )
    shown = number(value, f"{value:.3f}", data_name=name)
    return tag("span", shown, drawn, tag("small", between(bounds, name, digits=3)), class_="fig")
