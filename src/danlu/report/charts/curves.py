"""Curves over the steps of a training: faint bands from lowest to highest, lines of means, dots, and where the best lies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from danlu.report.charts.axes import Scale, across, line, log_ticks, picture, text, ticks, upward
from danlu.report.html import Html, tag
from danlu.watch.curves import STEEP, Buckets, buckets

WIDTH, _DEPTH = 440, 186
_LEFT, _RIGHT = 46, 428
_POINTS = 190  # of a line
_DOTS = 40  # a line of so few points has dots

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """x: epochs (fractions too), rising. values: as many, NaN where there is none. class_: of the style: "train", "val", …

    band: draw single steps as a band behind, not as a line.
    """

    name: str
    x: np.ndarray
    values: np.ndarray
    class_: str
    band: bool = False


def curves(
    title: str,
    description: str,
    drawn: Sequence[Curve],
    across_name: str,
    best: tuple[float, str] | None = None,
    logarithms: bool = True,
    begin: float = 0.0,
) -> Html:
    """best: (epoch, what stands above its mark). logarithms: where values are positive and differ more than tenfold. begin: of x."""
    low, high, log = _range(drawn, logarithms)
    end = max((float(curve.x[-1]) for curve in drawn if len(curve.x)), default=1.0) or 1.0
    top = 44 if best is not None else 28  # the legend's line, and the mark's
    bottom = top + _DEPTH
    x, y = Scale(begin, end, _LEFT, _RIGHT), Scale(low, high, bottom, top, log)
    marks = log_ticks(low, high) if log else ticks(low, high)
    parts = [upward(y, marks, _LEFT, _RIGHT), across(x, _whole(ticks(begin, end)), bottom, across_name)]
    if best is not None:
        at = x(best[0])
        side = "end" if at > _RIGHT - 60 else "start" if at < _LEFT + 60 else "middle"
        near = {"end": min(at + 6, _RIGHT), "start": max(at - 6, _LEFT), "middle": at}[side]
        parts.append(line(at, top - 4, at, bottom, "best"))
        parts.append(text(near, top - 9, best[1], anchor=side, class_="best"))
    parts += [_drawn(curve, x, y) for curve in drawn]
    return picture(WIDTH, bottom + 38, title, description, parts, _legend(drawn))


def _drawn(curve: Curve, x: Scale, y: Scale) -> Html:
    found = buckets(curve.values, _POINTS)
    if not np.isfinite(found.mean).any():
        return Html()
    last = np.append(found.first[1:], len(curve.values)) - 1
    at = [x(float(value)) for value in (curve.x[found.first] + curve.x[last]) / 2]
    if curve.band:
        return tag("polygon", points=_points(_outline(found, at, y)), class_=f"band {curve.class_}")
    pieces = list(_pieces(found, at, y))
    lines = [tag("polyline", points=_points(piece), class_=f"line {curve.class_}") for piece in pieces]
    if len(curve.values) > _DOTS:
        return tag("g", lines)
    dots = [tag("circle", cx=px, cy=py, r=2.6, class_=f"dot {curve.class_}") for piece in pieces for px, py in piece]
    return tag("g", lines, dots)


def _outline(found: Buckets, at: Sequence[float], y: Scale) -> Points:
    """Forth along the highest, back along the lowest."""
    sound = np.flatnonzero(np.isfinite(found.mean)).tolist()
    upper = [(at[place], y(float(found.high[place]))) for place in sound]
    return upper + [(at[place], y(float(found.low[place]))) for place in reversed(sound)]


def _pieces(found: Buckets, at: Sequence[float], y: Scale) -> Iterator[Points]:
    """The line, broken where there is no value."""
    piece: Points = []
    for place, value in enumerate(found.mean.tolist()):
        if math.isfinite(value):
            piece.append((at[place], y(value)))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _legend(drawn: Sequence[Curve]) -> Html:
    """One line above the chart; a name takes about 7 pixels a letter, 13 a Chinese one. One name says what the title says."""
    if len(drawn) < 2:
        return Html()
    at, parts = float(_LEFT), []
    for curve in drawn:
        if curve.band:
            parts.append(tag("rect", x=at, y=7, width=18, height=10, class_=f"band {curve.class_}"))
        else:
            parts.append(line(at, 12, at + 18, 12, f"line {curve.class_}"))
        parts.append(text(at + 23, 16, curve.name, class_="key"))
        at += 40 + sum(13 if ord(letter) > 0x2E7F else 6.8 for letter in curve.name)
    return tag("g", parts)


def _range(drawn: Sequence[Curve], logarithms: bool) -> tuple[float, float, bool]:
    """(lowest, highest, whether by logarithms)."""
    every = [curve.values[np.isfinite(curve.values)] for curve in drawn]
    edges = [_edges(some, curve.band) for curve, some in zip(drawn, every, strict=True) if len(some)]
    if not edges:
        return 0.0, 1.0, False
    low, high = min(edge[0] for edge in edges), max(edge[1] for edge in edges)
    if logarithms and low > 0 and high / low > STEEP:
        return low / 1.08, high * 1.08, True
    room = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    floor = 0.0 if 0 <= low <= 3 * room or not logarithms else low - room
    return floor, high + room, False


def _edges(values: np.ndarray, steps: bool) -> tuple[float, float]:
    """The few largest of single steps may be cut off: they are no reason to flatten the rest."""
    low, high = np.quantile(values, (0.02, 0.98)) if steps else (values.min(), values.max())
    return float(low), float(high)


def _whole(marks: list[float]) -> list[float]:
    """Epochs are counted: only whole ones are marked, where there are any."""
    whole = [mark for mark in marks if mark == int(mark)]
    return whole if len(whole) > 1 else marks


def _points(points: Points) -> str:
    return " ".join(f"{px:g},{py:g}" for px, py in points)
