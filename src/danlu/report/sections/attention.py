"""Source against translation: where each written token looked."""

from __future__ import annotations

from danlu.evaluation.explain.attention import Attention
from danlu.messages import say
from danlu.report.html import Html, join, name_of, tag
from danlu.report.sections.base import Page, Section, note

_DENSE = 12  # tokens from which cells are small
_DARK = 0.55  # share from which a cell's number is light
_SHOWN = 0.15  # share from which a cell has a number


def section(page: Page) -> Section | None:
    told = page.attended
    title = say("report.attention")
    if told.reason:
        return Section("attention", title, note(say("report.attention.none", reason=told.reason)))
    if not told.found:
        return None
    parts = [tag("p", say("report.attention.about"))]
    for name, found in told.found[: page.most(len(told.found), least=1)]:
        parts += [tag("h3", name_of(name, 32)), _map(found)]
    return Section("attention", title, join(parts))


def _map(found: Attention) -> Html:
    head = [tag("td", class_="corner"), *(tag("th", tag("span", _seen(each)), scope="col") for each in found.read)]
    rows = []
    for written, shares in zip(found.written, found.weights.tolist(), strict=True):
        cells = [_cell(share) for share in shares]
        rows.append(tag("tr", tag("th", _seen(written), scope="row"), cells))
    small = max(len(found.read), len(found.written)) > _DENSE
    caption = tag("caption", say("report.attention.caption"))
    made = tag(
        "table",
        caption,
        tag("thead", tag("tr", head)),
        tag("tbody", rows),
        class_="matrix dense" if small else "matrix",
    )
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=say("report.attention"))


def _cell(share: float) -> Html:
    number = f".{round(100 * min(share, 0.99)):02d}" if share >= _SHOWN else ""
    style = f"--v:{share:.2f}" if share >= 0.01 else None
    return tag("td", number, class_="hit hi" if share > _DARK else "hit", style=style)


def _seen(piece: str) -> str:
    """A space by itself can't be read."""
    return piece.strip() or "␣"
