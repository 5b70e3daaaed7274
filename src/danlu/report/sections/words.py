"""Which words the worst answers, and some right ones, rest on."""

from __future__ import annotations

from danlu.data.text.tokenizers import GONE
from danlu.evaluation.explain.words import STEPS, Words
from danlu.messages import say
from danlu.report.html import Html, cut, join, tag
from danlu.report.sections.base import Page, Section, as_read, class_of, note, table

_MOST = 160  # tokens shown of a text
_SOLID = 0.6  # opacity of the strongest word


def section(page: Page) -> Section | None:
    told = page.worded
    if told.reason:
        return Section("words", say("text.report.words"), note(say("text.report.words.none", reason=told.reason)))
    if not told.found:
        return None
    rows = []
    for one in told.found[: page.most(len(told.found))]:
        rows.append([class_of(one.true), tag("b", class_of(one.words.target)), _marked(one.words)])
    answer = say("text.report.words.label") if told.sets else say("report.predicted")
    heads = [say("report.given-label"), answer, _head(page)]
    about = tag("p", say("text.report.words.about", steps=STEPS, part=page.part))
    body = table(heads, rows, say("text.report.words"), head_column=False, titled=False)
    return Section("words", say("text.report.words"), join([about, body]))


def _head(page: Page) -> str:
    """The column's own name in the file, where it has one there."""
    inputs = (page.facts.columns or {}).get("inputs", ())
    name = inputs[0] if inputs else "text"
    called = page.facts.called(name)
    return say("text.report.text") if called == name else cut(called, 40)


def _marked(found: Words) -> Html:
    """The text with each token on green or red, as strong as its weight."""
    most = max((abs(float(weight)) for weight in found.weights), default=0.0) or 1.0
    shown = []
    before = ""
    for piece, weight in zip(found.pieces[:_MOST], found.weights[:_MOST].tolist(), strict=True):
        if before and _apart(before, piece):
            shown.append(Html(" "))
        strength = round(_SOLID * abs(weight) / most, 2)
        colour = "46,160,67" if weight > 0 else "218,54,51"
        style = f"background:rgba({colour},{strength})" if strength >= 0.03 else None
        shown.append(tag("span", as_read(piece), style=style, title=f"{weight:+.3f}"))
        before = piece
    if len(found.pieces) > _MOST:
        shown.append(Html("…"))
    return tag("span", shown, style="white-space:normal;overflow-wrap:anywhere")


def _apart(one: str, other: str) -> bool:
    """Whether words of scripts with spaces meet; pieces that bring their own space don't need another."""
    return _latin(one[-1:]) and _latin(other[:1])


def _latin(letter: str) -> bool:
    return letter == GONE or (letter.isascii() and letter.isalnum())
