"""What was foreseen before the first step, and what happened."""

from __future__ import annotations

from danlu.messages import say
from danlu.report.html import Child, Html, join, tag
from danlu.report.sections.base import Page, Section, table
from danlu.runs.foreseen import Compared, compared
from danlu.watch.figures import flops, short, size


def section(page: Page) -> Section | None:
    foreseen, happened = page.facts.last("foreseen"), page.facts.last("happened")
    if foreseen is None or happened is None:
        return None
    found = foreseen["forecast"]
    rows: list[list[Child]] = [
        [say(f"forecast.compared.{one.name}"), _amount(one, one.foreseen), _amount(one, one.happened), _off(one)]
        for one in compared(found, happened)
    ]
    title = say("report.forecast")
    heads = ["", say("forecast.foreseen"), say("forecast.happened"), say("forecast.off")]
    parameters, work = found["parameters"], found["flops"]
    words = say(
        "forecast.compared.note",
        parameters=f"{parameters['trained']:,}",
        frozen=f"{parameters['frozen']:,}",
        forward=flops(work["forward"]),
        step=flops(work["step"]),
    )
    body = join([table(heads, rows, title, right=(1, 2, 3), titled=False), tag("p", words, class_="note")])
    return Section("forecast", title, body)


def _amount(one: Compared, value: float | None) -> Html:
    shown = "–" if value is None else size(value) if one.name in ("memory", "disk") else short(value)
    return Html(shown)


def _off(one: Compared) -> Html:
    """How much more happened than was foreseen."""
    if one.happened is None or not one.foreseen:
        return Html("–")
    return Html(f"{100 * (one.happened / one.foreseen - 1):+.0f}\u00a0%")
