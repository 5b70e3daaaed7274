"""Sets of labels: how each is found, which stand together, and what the worst samples lack or have too much."""

from __future__ import annotations

import math

import numpy as np

from danlu.evaluation.labels import Answered, LabelFigures, answered
from danlu.messages import say
from danlu.metrics.interval import Interval
from danlu.report.html import Html, between, cut, join, name_of, number, tag
from danlu.report.sections.base import Page, Section, class_of, more, note, table
from danlu.runs.stored import Stored

_MOST, _PAIRS, _WORST = 120, 12, 10


def section(page: Page) -> Section | None:
    if not page.facts.part or not page.facts.columns:
        return None
    found = answered(Stored(page.facts.path(page.facts.part)), page.facts.columns)
    if found is None:
        return None
    title = say("labels.section")
    parts = [
        tag("p", say("labels.about", part=page.part, confidence=page.confidence)),
        *_table(page, found),
        _absent(found),
        _together(page, found),
        _worst(page, found),
    ]
    return Section("labels", title, join([part for part in parts if part is not None]))


def _table(page: Page, found: Answered) -> list[Html | None]:
    rows = found.table(page.facts.confidence)
    offsets = dict(
        zip(page.facts.thresholds.get("classes", ()), page.facts.thresholds.get("offsets", ()), strict=False)
    )
    rows.sort(key=lambda row: (math.isnan(row.f1), row.f1))
    shown = rows[: page.most(_MOST)]
    heads = ["support", "threshold", "precision", "recall"]
    names = [say("report.class"), *(say(f"labels.{name}") for name in heads), "F1", "AP", "AUC"]
    cells = [[class_of(row.name), *_cells(row, offsets.get(row.name, 0.0))] for row in shown]
    made = table(names, cells, say("labels.section"), right=range(1, 8), titled=False)
    return [made, more(len(shown), len(rows))]


def _cells(row: LabelFigures, offset: float) -> list[Html]:
    threshold = 1 / (1 + math.exp(min(max(offset, -80), 80)))
    return [
        number(row.support, f"{row.support:,}"),
        number(threshold, f"{threshold:.3f}"),
        _with(row.precision, row.precision_interval),
        _with(row.recall, row.recall_interval),
        *(_with(value, None) for value in (row.f1, row.ap, row.auc)),
    ]


def _with(value: float, bounds: Interval | None) -> Html:
    if math.isnan(value):
        return Html("–")
    shown = number(value, f"{value:.3f}")
    return shown if bounds is None else tag("span", shown, tag("small", between(bounds, digits=3)), class_="fig")


def _absent(found: Answered) -> Html | None:
    names = found.absent()
    if not names:
        return None
    return note(say("labels.absent", count=len(names), names=", ".join(cut(name, 24) for name in names[:10])))


def _together(page: Page, found: Answered) -> Html | None:
    rows = found.together(page.most(_PAIRS))
    if not rows:
        return None
    heads = [say("labels.pair"), say("labels.both-true"), say("labels.both-found")]
    cells = [[join([class_of(a), " + ", class_of(b)]), f"{true:,}", f"{said:,}"] for a, b, true, said in rows]
    return table(heads, cells, say("labels.together"), right=(1, 2))


def _worst(page: Page, found: Answered) -> Html | None:
    place = {name: row for row, name in enumerate(found.ids)}
    rows = [place[one.id] for one in page.choice.faulty if one.id in place][: page.most(_WORST)]
    if not rows:
        return None
    heads = [say("report.sample"), say("labels.has"), say("labels.missed"), say("labels.extra")]
    cells = []
    for row in rows:
        true, said = found.true[row], found.found[row]
        cells.append(
            [name_of(found.ids[row], 40), *(_names(found, each) for each in (true, true & ~said, said & ~true))]
        )
    return table(heads, cells, say("labels.worst"))


def _names(found: Answered, mask: np.ndarray) -> str:
    return ", ".join(cut(found.classes[place], 24) for place in np.flatnonzero(mask).tolist()[:8]) or "–"
