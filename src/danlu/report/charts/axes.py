"""Scales, ticks and the frame that charts share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from danlu.report.html import Child, Html, tag
from danlu.watch.figures import brief


@dataclass(frozen=True)
class Scale:
    """Numbers from ``low`` to ``high`` → pixels from ``start`` to ``end``; by their logarithm where ``log``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log(max(each, 1e-300)) if self.log else each for each in (self.low, self.high, value))
        share = (value - low) / ((high - low) or 1.0)
        return round(self.start + min(1.05, max(-0.05, share)) * (self.end - self.start), 1)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers in [low, high], no more than ``most``: steps of 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    found: list[float] = []
    while first * step <= high + step * 1e-9 and len(found) < 2 * most:
        found.append(first * step if first else 0.0)
        first += 1
    return found


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """1, 2, 5 times powers of ten in [low, high]; powers alone where those are too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for nice in ((1, 2, 5), (1,)):
        found = [n * 10.0**p for p in powers for n in nice if low * (1 - 1e-9) <= n * 10.0**p <= high * (1 + 1e-9)]
        if len(found) <= most:
            return found if len(found) >= 2 else ticks(low, high, most)
    return found[:: -(-len(found) // most)]


def label(value: float) -> str:
    """A tick's number, short: 20,000 is 20k."""
    if abs(value) >= 1e12:
        return brief(value)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}" if abs(value) >= 1e-3 or value == 0 else brief(value)


def text(x: float, y: float, *words: Child, anchor: str = "start", class_: str | None = None) -> Html:
    return tag("text", *words, x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def across(scale: Scale, marks: Sequence[float], y: float, name: str) -> Html:
    """The horizontal axis below a chart, its name at the right end of the line below."""
    marked = [text(scale(mark), y + 16, label(mark), anchor="middle", class_="tick") for mark in marks]
    title = text(scale.end, y + 33, name, anchor="end", class_="axis")
    return tag("g", line(scale.start, y, scale.end, y, "frame"), marked, title)


def upward(scale: Scale, marks: Sequence[float], left: float, right: float) -> Html:
    """The vertical axis: grid lines from ``left`` to ``right`` with numbers before them."""
    grid = [line(left, scale(mark), right, scale(mark), "grid") for mark in marks]
    numbers = [text(left - 6, scale(mark) + 4, label(mark), anchor="end", class_="tick") for mark in marks]
    return tag("g", grid, numbers)


def picture(width: float, height: float, title: str, description: str, *parts: Child) -> Html:
    """The SVG, which says what it shows to those who don't see it."""
    frame, told = f"0 0 {width:g} {height:g}", f"{title}: {description}"
    return tag("svg", *parts, viewBox=frame, role="img", aria_label=told, class_="chart", style=f"--w:{width:g}")
