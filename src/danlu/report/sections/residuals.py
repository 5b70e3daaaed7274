"""How far predicted numbers are off."""

from __future__ import annotations

from danlu.evaluation.predictions import NumberPredictions
from danlu.evaluation.residuals import Residuals
from danlu.messages import say
from danlu.report.charts.numbers import histogram, scatter
from danlu.report.html import Html, between, join, number, tag
from danlu.report.sections.base import Page, Section, folded, metric_name, note, share, table
from danlu.watch.figures import figure


def section(page: Page) -> Section | None:
    found, predictions = page.facts.residuals, page.facts.numbers
    if found is None or predictions is None:
        return None
    about = say(
        "report.residuals.about",
        samples=f"{found.samples:,}",
        part=page.part,
        mae=figure(found.values["mae"]),
        bias=figure(found.values["bias"]),
        middle=figure(found.quantiles[0.5]),
    )
    body = [
        tag("p", about),
        tag("div", _drawn(predictions, about), class_="charts"),
        note(say("report.residuals.note")),
        tag("div", _metrics(page, found), _quantiles(found), class_="beside"),
        _bins(found),
    ]
    return Section("residuals", say("report.residuals"), join(body))


def _drawn(predictions: NumberPredictions, about: str) -> list[Html]:
    against, spread = say("report.residuals.against"), say("report.residuals.spread")
    names = say("report.predicted"), say("report.true")
    pictures = {
        against: scatter(against, about, predictions.predicted, predictions.true, names),
        spread: histogram(spread, about, predictions.residual, (say("report.residual"), say("report.samples"))),
    }
    return [tag("figure", tag("figcaption", title), drawing) for title, drawing in pictures.items()]


def _metrics(page: Page, found: Residuals) -> Html:
    rows = []
    for name, value in found.values.items():
        key = f"residuals/{name}"
        rows.append([metric_name(name), number(value, data_name=key), between(found.intervals[name], key)])
    heads = [say("report.metric"), say("report.value"), say("report.interval-at", confidence=page.confidence)]
    return table(heads, rows, say("report.residuals.metrics"), right=(1, 2))


def _quantiles(found: Residuals) -> Html:
    rows = [[share(part, 0), number(value)] for part, value in found.quantiles.items()]
    return table([say("report.share"), say("report.residual")], rows, say("report.residuals.quantiles"), right=(1,))


def _bins(found: Residuals) -> Html:
    rows = [
        [number(one["predicted"]), number(one["true"]), number(one["predicted"] - one["true"]), f"{one['count']:,.0f}"]
        for one in found.bins
    ]
    heads = [say("report.predicted"), say("report.true"), say("report.residual"), say("report.samples")]
    title = say("report.residuals.bins")
    return folded(title, table(heads, rows, title, right=(0, 1, 2, 3), head_column=False, titled=False))
