"""Samples for eyes: pictures with what stands below them, or rows of a table where there is no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from danlu.messages import say
from danlu.report.html import Child, Html, cut, join, name_of, tag
from danlu.report.samples import Seen
from danlu.report.sections.base import Page, as_read, class_of, share, table
from danlu.report.thumbnails import Thumbnail

SURE = 0.3  # boxes with a lower score are not drawn
_BOXES = 50  # of a picture that are drawn


@dataclass(frozen=True)
class Entry:
    """A sample to show. words: below its picture, or in columns under ``heads`` of a table. boxes: predicted, (n, 6)."""

    id: str
    words: Sequence[Child]
    boxes: np.ndarray | None = None


def gallery(page: Page, entries: Sequence[Entry], heads: Sequence[str], caption: str, numbers: int = 0) -> Html:
    """As pictures where any of them has one, else as a table with the input columns beside. numbers: the last so many ``heads``."""
    seen = [page.seen.get(entry.id) for entry in entries]
    if any(one is not None and one.picture is not None for one in seen):
        cards = [_card(page, entry, one) for entry, one in zip(entries, seen, strict=True)]
        wide = " wide" if any(entry.boxes is not None for entry in entries) else ""
        pictures = [one.picture for one in seen if one is not None and one.picture is not None]
        strips = " strips" if any(each.width >= 2 * each.height for each in pictures) else ""
        return tag("ul", cards, class_=f"cards{wide}{strips}", aria_label=caption)
    columns = list(dict.fromkeys(name for one in seen if one is not None for name in one.values))
    rows = [
        [
            place_of(entry.id, one),
            *entry.words,
            *(as_read(one.values.get(name, "–")) if one else "–" for name in columns),
        ]
        for entry, one in zip(entries, seen, strict=True)
    ]
    first = 1 + len(heads) - numbers
    shown = [[row[1 + len(heads) + place] for row in rows] for place in range(len(columns))]
    right = [
        *range(first, 1 + len(heads)),
        *(1 + len(heads) + place for place, each in enumerate(shown) if _numeric(each)),
    ]
    return table([say("report.sample"), *heads, *map(cut, columns)], rows, caption, right, titled=False)


def place_of(name: str, seen: Seen | None) -> Html:
    """Where a person finds a sample; with it its id, where that is nothing but a digest of the row."""
    if seen is None or not seen.origin or not name.startswith("#"):
        return name_of(name, 40)
    return join([name_of(seen.origin, 60), " ", tag("small", name_of(name, 40))])


def _numeric(values: Sequence[Child]) -> bool:
    """Whether all that is there are numbers: texts stand at the left."""
    try:
        return bool([float(str(value)) for value in values if value != "–"])
    except ValueError:
        return False


def pictured(page: Page, entries: Sequence[Entry]) -> list[Entry]:
    """Those of which a picture is shown: there may have been no room for more."""
    seen = [(entry, page.seen.get(entry.id)) for entry in entries]
    return [entry for entry, one in seen if one is not None and one.picture is not None]


def labelled(given: str, answer: str, sure: float) -> list[Html]:
    """What a sample is labelled as, and what the net takes it for, how surely."""
    told = tag("b", class_of(answer), f" {share(sure, 0)}")
    return [tag("span", class_of(given), class_="given"), tag("span", "→ ", told, class_="answer")]


def _card(page: Page, entry: Entry, seen: Seen | None) -> Html:
    picture = None if seen is None or seen.picture is None else _picture(page, entry, seen, seen.picture)
    origin = seen.origin if seen is not None and seen.origin else entry.id
    return tag(
        "li",
        picture or tag("div", say("report.no-picture"), class_="none"),
        [tag("div", word) for word in entry.words if word is not None],
        tag("div", name_of(origin, 32), class_="origin"),
    )


def _picture(page: Page, entry: Entry, seen: Seen, picture: Thumbnail) -> Html:
    told = say("report.picture-of", name=cut(seen.id))
    size = {"width": picture.width, "height": picture.height}
    if entry.boxes is None:
        return tag("img", src=picture.uri, alt=told, **size, class_="tiny" if picture.tiny else None)
    unit = max(picture.width, picture.height) / 100
    drawn = [tag("image", href=picture.uri, **size)]
    for column, rows in seen.boxes.items():
        drawn += [_box(row, "true", unit, _named(page, column, row[4])) for row in rows[:_BOXES]]
    column = next(iter(seen.boxes), "")
    for row in [one for one in entry.boxes if one[4] >= SURE][:_BOXES]:
        drawn.append(_box(row, "found", unit, f"{_named(page, column, row[5])} {row[4]:.2f}"))
    frame = f"0 0 {picture.width} {picture.height}"
    title = tag("title", told)
    return tag("svg", title, drawn, viewBox=frame, role="img", class_="boxes", style=f"--u:{unit:g}")


def _box(row: np.ndarray, class_: str, unit: float, name: str) -> Html:
    """The name of a true one stands at its lower edge, of a found one at its upper."""
    x1, y1, x2, y2 = (round(float(edge), 1) for edge in row[:4])
    width, height = round(max(0.1, x2 - x1), 1), round(max(0.1, y2 - y1), 1)
    at = y2 - 1.2 * unit if class_ == "true" else y1 + 5.2 * unit
    return join([
        tag("rect", x=x1, y=y1, width=width, height=height, class_=class_),
        tag("text", name, x=round(x1 + unit, 1), y=round(at, 1), class_=class_),
    ])  # fmt: skip


def _named(page: Page, column: str, index: float) -> str:
    classes = page.box_classes.get(column, ())
    return cut(classes[int(index)], 16) if 0 <= int(index) < len(classes) else str(int(index))
