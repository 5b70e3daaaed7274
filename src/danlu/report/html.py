"""HTML and SVG as text, in which whatever comes from outside is escaped unless it was made here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

from danlu.messages.visible import visible
from danlu.watch.figures import figure

_VOID = frozenset(("meta", "link", "br", "img", "hr", "col"))
_LONGEST = 120  # characters of a name of others


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | Iterable["Child"] | None


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """``<name …>children</name>``. Children that are no :class:`Html` are escaped, None is left out, iterables are flattened.

    attributes: ``class_`` is "class", ``stroke_width`` is "stroke-width"; None and False are left out, True stands alone.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    """Children one after another."""
    return Html("".join(_flat(children)))


def escape(text: str) -> Html:
    """Text of anybody, as text: no character of it is markup, steers the direction of writing, or is invisible."""
    return Html(html.escape(visible(str(text)), quote=True))


def name_of(text: str, longest: int = _LONGEST) -> Html:
    """A name of others (class, sample, file): isolated, since it may be written from right to left, and cut where it is very long."""
    whole = visible(str(text), line=True)
    title = whole[: 4 * longest] if len(whole) > longest else None
    return tag("bdi", cut(whole, longest), title=title)


def cut(text: str, longest: int = _LONGEST) -> str:
    """The beginning and the end of a long text."""
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def prose(text: str) -> Html:
    """Our own words, in which `what stands so` is code."""
    parts = text.split("`")
    return join(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


def number(value: float | None, text: str | None = None, **attributes: str | float | bool | None) -> Html:
    """A figure for eyes that carries all its digits for programs: ``<data value="0.87213…">0.8721</data>``."""
    if value is None:
        return Html("–")
    exact = repr(float(value)) if math.isfinite(value) else str(float(value))
    return tag("data", figure(value) if text is None else text, value=exact, **attributes)


def between(bounds: tuple[float, float] | None, name: str | None = None, digits: int | None = None) -> Html:
    """``0.8612 – 0.8834``; a dash where it isn't known. digits: after the point, where four significant ones are too many."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        return Html("–")
    low, high = bounds
    ends = [
        number(end, None if digits is None else f"{end:.{digits}f}", data_name=name and f"{name}/{which}")
        for end, which in ((low, "low"), (high, "high"))
    ]
    return tag("span", ends[0], " – ", ends[1], class_="span")


def _flat(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        else:
            yield from _flat(child)


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    told = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {key}="{escape(told)}"'
