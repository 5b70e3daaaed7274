"""Predicted beside true numbers: as a map of how many lie where, since points of millions would hide each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from danlu.report.charts.axes import Scale, across, line, picture, text, ticks, upward
from danlu.report.html import Html, tag

WIDTH, HEIGHT = 440, 344
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 428, 26, 300
_CELLS = 48
_FEW = 400  # samples that are drawn as points
_BINS = 41  # at most
_LARGEST = 1e300  # beyond it the range of numbers is no number


def scatter(title: str, description: str, predicted: np.ndarray, true: np.ndarray, names: tuple[str, str]) -> Html:
    """predicted, true: float64 (N,). names: of the horizontal (predicted) and the vertical (true) axis."""
    sound = (np.abs(predicted) < _LARGEST) & (np.abs(true) < _LARGEST)
    predicted, true = predicted[sound], true[sound]
    low, high = _range(np.concatenate([predicted, true]))
    x, y = Scale(low, high, _LEFT, _RIGHT), Scale(low, high, _BOTTOM, _TOP)
    parts = [
        upward(y, ticks(low, high), _LEFT, _RIGHT),
        line(x(low), y(low), x(high), y(high), "ideal"),
        list(_points(predicted, true, x, y) if len(true) <= _FEW else _map(predicted, true, x, y)),
        across(x, ticks(low, high), _BOTTOM, names[0]),
        text(_LEFT, 14, names[1], class_="axis"),
    ]
    return picture(WIDTH, HEIGHT, title, description, parts)


def histogram(title: str, description: str, values: np.ndarray, names: tuple[str, str]) -> Html:
    """How residuals are spread; beyond the 0.5 % at each end they count in the outermost bars. names: as in :func:`scatter`."""
    values = values[np.abs(values) < _LARGEST]
    low, high = np.quantile(values, (0.005, 0.995)) if len(values) else (0.0, 1.0)
    reach = max(abs(float(low)), abs(float(high)))
    reach = reach if reach > 1 / _LARGEST else 1.0
    bins = min(_BINS, 2 * int(math.sqrt(len(values))) + 5)  # odd: one of them lies about 0
    counts, edges = np.histogram(np.clip(values, -reach, reach), bins=bins, range=(-reach, reach))
    most = max(1.0, float(counts.max(initial=0)))
    x, y = Scale(-reach, reach, _LEFT, _RIGHT), Scale(0, most, _BOTTOM, _TOP + 8)
    parts = [
        upward(y, [tick for tick in ticks(0, most) if tick == int(tick)], _LEFT, _RIGHT),
        list(_bars(counts, edges, x, y)),
        line(x(0), _TOP, x(0), _BOTTOM, "ideal"),
        across(x, ticks(-reach, reach), _BOTTOM, names[0]),
        text(_LEFT, 14, names[1], class_="axis"),
    ]
    return picture(WIDTH, HEIGHT, title, description, parts)


def _bars(counts: np.ndarray, edges: np.ndarray, x: Scale, y: Scale) -> Iterator[Html]:
    width = x(float(edges[1])) - x(float(edges[0]))
    for count, left in zip(counts.tolist(), edges[:-1].tolist(), strict=True):
        if count:
            top = y(count)
            yield tag("rect", x=x(left) + 0.5, y=top, width=width - 1, height=_BOTTOM - top, class_="bar own")


def _points(predicted: np.ndarray, true: np.ndarray, x: Scale, y: Scale) -> Iterator[Html]:
    for one, other in zip(predicted.tolist(), true.tolist(), strict=True):
        yield tag("circle", cx=x(one), cy=y(other), r=2.6, class_="point")


def _map(predicted: np.ndarray, true: np.ndarray, x: Scale, y: Scale) -> Iterator[Html]:
    low, high = x.low, x.high
    counts, edges, _ = np.histogram2d(
        np.clip(predicted, low, high), np.clip(true, low, high), _CELLS, [(low, high)] * 2
    )
    width, height = round((_RIGHT - _LEFT) / _CELLS, 1), round((_BOTTOM - _TOP) / _CELLS, 1)
    for column, row in np.argwhere(counts):
        strength = round(0.15 + 0.85 * math.sqrt(counts[column, row] / counts.max()), 2)
        at = x(float(edges[column])), y(float(edges[row + 1]))
        yield tag("rect", x=at[0], y=at[1], width=width, height=height, class_="point", fill_opacity=strength)


def _range(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.quantile(values, (0.001, 0.999)))
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - room, high + room
