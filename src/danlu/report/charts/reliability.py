"""The reliability diagram: how often answers of a probability are right, beside how often they should be."""

from __future__ import annotations

from collections.abc import Sequence

from danlu.evaluation.calibration import Bin
from danlu.report.charts.axes import Scale, across, line, picture, text, ticks, upward
from danlu.report.html import Html, tag

WIDTH, HEIGHT = 440, 392
_LEFT, _RIGHT, _TOP, _BOTTOM, _SPREAD, _UNDER = 46, 428, 26, 274, 296, 346
_FEW = 0.01  # of the samples: a point of fewer is faint


def reliability(title: str, description: str, bins: Sequence[Bin], sure: str, right: str, share: str) -> Html:
    """Points with intervals on the diagonal's square; below, how the samples are spread. sure, right, share: the axes' names."""
    x, y = Scale(0, 1, _LEFT, _RIGHT), Scale(0, 1, _BOTTOM, _TOP)
    total = max(1, sum(one.count for one in bins))
    spread = Scale(0, max((one.count for one in bins), default=1) / total, _UNDER, _SPREAD)
    parts = [
        upward(y, ticks(0, 1), _LEFT, _RIGHT),
        line(x(0), y(0), x(1), y(1), "ideal"),
        text(_LEFT, 14, right, class_="axis"),
        text(_LEFT, _SPREAD - 5, share, class_="axis"),
        [_bar(one, x, spread, total) for one in bins],
        line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "frame"),
        [_point(one, x, y, one.count < _FEW * total) for one in bins],
        across(x, ticks(0, 1), _UNDER, sure),
    ]
    return picture(WIDTH, HEIGHT, title, description, parts)


def _point(one: Bin, x: Scale, y: Scale, faint: bool) -> Html:
    at, (low, high) = x(one.sure), one.interval
    whisker = tag("path", d=f"M{at:g} {y(low):g}V{y(high):g}", class_="whisker train")
    dot = tag("circle", cx=at, cy=y(one.right), r=4, class_="dot train")
    return tag("g", whisker, dot, class_="faint" if faint else None)


def _bar(one: Bin, x: Scale, y: Scale, total: int) -> Html:
    top = min(y(one.count / total), _UNDER - 0.5)
    left, right = x(one.low) + 1, x(one.high) - 1
    return tag("rect", x=left, y=top, width=max(1.0, right - left), height=_UNDER - top, class_="bar")
