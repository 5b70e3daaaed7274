"""Values beside each other with their intervals: the net and its baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from danlu.report.charts.axes import Scale, across, line, picture, text, ticks
from danlu.report.html import Html, cut, tag
from danlu.watch.figures import figure

WIDTH = 440
_LEFT, _RIGHT, _ROW, _TOP = 104, 376, 34, 4


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    interval: tuple[float, float] | None
    own: bool = False


def bars(title: str, description: str, rows: Sequence[Bar], name: str) -> Html:
    """Horizontal bars from 0, with whiskers; the net's own stands out."""
    ends = [end for row in rows for end in (row.value, *(row.interval or ())) if math.isfinite(end)] or [1.0]
    low, high = min(0.0, *ends), max(0.0, *ends)
    x = Scale(low, high if high > low else low + 1.0, _LEFT, _RIGHT)
    bottom = _TOP + _ROW * len(rows) + 4
    drawn = [_row(row, x, _TOP + _ROW * place) for place, row in enumerate(rows)]
    axis = across(x, ticks(low, high), bottom, name)
    return picture(WIDTH, bottom + 40, title, description, axis, drawn, line(x(0.0), 0, x(0.0), bottom, "frame"))


def _row(row: Bar, x: Scale, y: float) -> list[Html]:
    own = " own" if row.own else ""
    parts = [text(_LEFT - 10, y + 22, cut(row.name, 13), anchor="end", class_=f"name{own}")]
    if not math.isfinite(row.value):
        return parts
    left, right = sorted((x(0.0), x(row.value)))
    parts.append(tag("rect", x=left, y=y + 6, width=max(1.0, right - left), height=22, rx=3, class_=f"bar{own}"))
    if row.interval is not None and all(map(math.isfinite, row.interval)):
        low, high = map(x, row.interval)
        drawn = f"M{low:g} {y + 17:g}H{high:g}M{low:g} {y + 12:g}v10M{high:g} {y + 12:g}v10"
        parts.append(tag("path", d=drawn, class_="whisker"))
        right = max(right, high)
    parts.append(text(right + 7, y + 22, figure(row.value), class_=f"value{own}"))
    return parts
