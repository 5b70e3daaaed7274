"""The page around the sections: head, way through it, style, and the glyphs that its own text needs."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from danlu import __version__
from danlu.messages import language, say
from danlu.messages.texts import evaluation, explain, health, labels, report
from danlu.report.fonts import faces
from danlu.report.html import Html, join, tag
from danlu.report.sections.base import Section

_NOTHING_FROM_OUTSIDE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"
_MARKUP = re.compile(r"<[^>]*>")
_BEGINNING = "<!DOCTYPE html>\n<!-- danlu report -->\n"


def body_of(head: Html, sections: Sequence[Section]) -> Html:
    links = [tag("li", tag("a", one.title, href=f"#{one.name}")) for one in sections]
    return join([
        tag("a", say("report.skip"), href="#content", class_="skip"),
        head,
        tag("nav", tag("ul", links), aria_label=say("report.contents")),
        tag("main", [_section(one) for one in sections], id="content"),
        tag("footer", say("report.made-by", version=__version__)),
    ])  # fmt: skip


def whole(title: str, body: Html) -> str:
    """The HTML document. Nothing in it is a script, and nothing is loaded from anywhere."""
    chinese = language() == "zh"
    style = (files("danlu.report") / "style.css").read_text(encoding="utf-8")
    top = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_NOTHING_FROM_OUTSIDE),
        tag("meta", name_="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(faces(letters(body), wide=chinese, first=_own()) + style)),
    )
    return f"{_BEGINNING}{tag('html', top, tag('body', body), lang='zh-Hans' if chinese else 'en')}\n"


def is_report(path: Path) -> bool:
    """Whether a file was written by :func:`whole`. Raises OSError where it can't be read."""
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING.encode()


def letters(markup: str) -> Counter[str]:
    """Characters that the page shows; those of tool tips and labels are drawn by the browser, with fonts of its own."""
    return Counter(html.unescape(_MARKUP.sub("", markup)))


def _own() -> str:
    """Characters of the report's own words."""
    return "".join(
        chinese for area in (report, health, evaluation, explain, labels) for _, chinese in area.TEXTS.values()
    )


def _section(one: Section) -> Html:
    heading = f"{one.name}-title"
    return tag("section", tag("h2", one.title, id=heading), one.body, id=one.name, aria_labelledby=heading)
