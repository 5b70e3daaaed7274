"""What sections are made of and from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from danlu.data.text.tokenizers import GONE
from danlu.messages import say
from danlu.messages.texts.report import TEXTS
from danlu.metrics.meaning import is_share
from danlu.report.attended import Attended
from danlu.report.choice import Choice
from danlu.report.explained import Explained
from danlu.report.facts import Facts
from danlu.report.html import Child, Html, cut, join, name_of, number, tag
from danlu.report.samples import Seen
from danlu.report.worded import Worded


@dataclass(frozen=True)
class Page:
    """Everything a section reads. seen: id → sample, of those that could be had. box_classes: column of boxes → its classes.

    scale: 1, or less where a report would be too large: lists are cut to that share.
    """

    facts: Facts
    choice: Choice
    seen: Mapping[str, Seen]
    scale: float = 1.0
    box_classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    explained: Explained = field(default_factory=Explained)
    worded: Worded = field(default_factory=Worded)
    attended: Attended = field(default_factory=Attended)

    def most(self, count: int, least: int = 3) -> int:
        return max(least, int(count * self.scale))

    @property
    def confidence(self) -> str:
        """ "95 %"."""
        return f"{100 * self.facts.confidence:g}\u00a0%"

    @property
    def part(self) -> str:
        """The part that is judged, in words."""
        return say(f"report.part.{self.facts.part or 'val'}")


@dataclass(frozen=True)
class Section:
    """name: the id in the page. title: for people. body: its HTML."""

    name: str
    title: str
    body: Html


def table(
    heads: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    caption: str,
    right: Sequence[int] = (),
    head_column: bool = True,
    titled: bool = True,
) -> Html:
    """A table whose first cells are the rows' heads; it scrolls by itself where it is wide. right: columns of numbers.

    titled: False where the section's title says what the caption says, which is then for those who can't see it.
    """

    def cell(place: int, content: Child, head: str | None = None) -> Html:
        return tag("th" if head else "td", content, scope=head, class_="n" if place in right else None)

    top = tag("tr", [cell(place, head, "col") for place, head in enumerate(heads)])
    body = [
        tag("tr", [cell(place, one, "row" if place == 0 and head_column else None) for place, one in enumerate(row)])
        for row in rows
    ]
    titles = tag("caption", caption, class_=None if titled else "unseen")
    return _scrolling(tag("table", titles, tag("thead", top) if any(heads) else None, tag("tbody", body)), caption)


def pairs(rows: Iterable[tuple[Child, Child]], caption: str, right: bool = False) -> Html:
    """Names with their values, two columns. right: the values are numbers."""
    side = "n" if right else None
    body = [tag("tr", tag("th", name, scope="row"), tag("td", value, class_=side)) for name, value in rows]
    return _scrolling(tag("table", tag("caption", caption), tag("tbody", body)), caption, "scroll pairs")


def _scrolling(made: Html, caption: str, class_: str = "scroll") -> Html:
    return tag("div", made, class_=class_, tabindex="0", role="region", aria_label=caption)


def folded(title: str, *body: Child) -> Html:
    return tag("details", tag("summary", title), *body)


def as_read(text: str) -> Html:
    """A text as a tokenizer gives it back, where words that it doesn't know are marked, and don't look like a font without a letter."""
    mark = tag("span", "[?]", class_="unknown", title=say("text.report.unknown"))
    first, *others = text.split(GONE)
    shown: list[Child] = [first]
    before = first
    for part in others:
        shown += [" " if _latin(before[-1:]) else None, mark, " " if _latin(part[:1]) else None, part]
        before = part
    return join(shown)


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def note(*words: Child) -> Html:
    return tag("p", *words, class_="note")


def told(kind: str, *words: Child) -> Html:
    """What a person should read first. kind: "good", "warn", "bad" or "plain"."""
    return tag("div", *words, class_=f"verdict {kind}")


def share(value: float, digits: int = 1) -> str:
    """0.1234 → "12.3 %", which no line breaks."""
    return f"{100 * value:.{digits}f}\u00a0%" if np.isfinite(value) else "–"


def metric_name(name: str) -> str:
    """In the reader's language, without its part; one of somebody's own as it is."""
    *_, before, last = ("", *name.split("/"))
    if f"report.metric.{before}.of" in TEXTS:
        return say(f"report.metric.{before}.of", name=cut(last, 40))
    return say(f"report.metric.{last}") if f"report.metric.{last}" in TEXTS else cut(last, 40)


def metric(value: float, name: str, **attributes: str | None) -> Html:
    """A metric's value; shares with four digits, so that their intervals can be compared."""
    return number(value, f"{value:.4f}" if is_share(name) and np.isfinite(value) else None, **attributes)


def more(shown: int, total: int) -> Html | None:
    """That a list was cut; None where it was not."""
    return note(say("report.more", shown=f"{shown:,}", total=f"{total:,}")) if shown < total else None


def class_of(name: str) -> Html:
    return name_of(name, 40)


def plainly(name: str, longest: int = 24) -> str:
    """A class's name for a picture's text, where nothing isolates it."""
    return cut(name, longest)
