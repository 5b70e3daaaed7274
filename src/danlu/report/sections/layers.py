"""What was seen inside the net while it trained: gradients, weights and updates of its parameters, what its layers give out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from danlu.messages import say
from danlu.report.charts.curves import Curve, curves
from danlu.report.html import Child, Html, join, name_of, number, tag
from danlu.report.sections.base import Page, Section, folded, more, share, table
from danlu.watch.health.series import Layer, Parameter, late

_ROWS = 80
_MATRIX = 2  # dimensions from which a parameter is a layer's weight


def section(page: Page) -> Section | None:
    parameters, layers = page.facts.parameters, page.facts.layers
    weights = [one for one in parameters if one.dimensions >= _MATRIX and one.trained]
    if not parameters or not layers:
        return None
    looks = len(parameters[0].steps)
    parts: list[Child] = [tag("p", say("report.layers.about", looks=f"{looks:,}"))]
    if len(weights) > 1:
        drawn = [
            _by_depth(say("report.layers.gradients"), weights, lambda one: one.slope),
            _by_depth(say("report.layers.updates"), weights, lambda one: one.moved),
        ]
        parts.append(tag("div", drawn, class_="charts"))
    parts += [_parameters(page, parameters), _layers(page, layers)]
    return Section("layers", say("report.layers"), join(parts))


def _by_depth(title: str, weights: Sequence[Parameter], values: Callable[[Parameter], np.ndarray]) -> Html:
    """Medians over the first looks and over the last, layer by layer."""
    place = np.arange(1, len(weights) + 1)
    drawn = []
    for name, class_, which in (("early", "val", _first), ("late", "train", _last)):
        found = np.asarray([_median(which(one.steps, values(one))) for one in weights])
        drawn.append(Curve(say(f"report.layers.{name}"), place, np.where(found > 0, found, np.nan), class_))
    about = say("report.layers.of", name=title, count=len(weights))
    drawing = curves(title, about, drawn, say("report.layers.depth"), begin=1.0)
    return tag("figure", tag("figcaption", title), drawing)


def _parameters(page: Page, every: Sequence[Parameter]) -> Html:
    shown = every[: page.most(_ROWS)]
    rows = [
        [
            name_of(one.name, 60),
            f"{one.size:,}",
            _number(_last(one.steps, one.weight)),
            _number(_last(one.steps, one.gradient)),
            _number(_last(one.steps, one.moved)),
        ]
        for one in shown
    ]
    heads = [say(f"report.layers.{name}") for name in ("parameter", "size", "weight", "gradient", "update")]
    title = say("report.layers.parameters")
    listed = table(heads, rows, title, right=(1, 2, 3, 4), titled=False)
    return folded(title, listed, more(len(shown), len(every)))


def _layers(page: Page, every: Sequence[Layer]) -> Html:
    shown = every[: page.most(_ROWS)]
    rows: list[list[Child]] = []
    for one in shown:
        name = f"{one.name or '·'}{f' #{one.call + 1}' if one.call else ''}{f' [{one.output}]' if one.output else ''}"
        rows.append([
            name_of(name, 60),
            one.kind,
            _number(_last(one.steps, _spread(page, one))),
            _share(None if one.silent is None else _last(one.steps, one.silent.mean(1))),
            _share(_last(one.steps, one.saturated)),
            _number(_last(one.steps, one.gradient)),
        ])  # fmt: skip
    heads = [say(f"report.layers.{name}") for name in ("layer", "kind", "std", "silent", "saturated", "gradient")]
    title = say("report.layers.outputs")
    listed = table(heads, rows, title, right=(2, 3, 4, 5), titled=False)
    return folded(title, listed, more(len(shown), len(every)))


def _spread(page: Page, one: Layer) -> np.ndarray:
    """float64 (N,): standard deviation of what it gave out, look by look."""
    columns = page.facts.layer_columns
    own = (columns["layer"] == one.name) & (columns["call"] == one.call) & (columns["output"] == one.output)
    return np.asarray(columns["std"][own & (columns["kind"] == one.kind)], np.float64)


def _first(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of the first tenth of the looks, at least one."""
    return values[: max(1, len(steps) // 10)]


def _last(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of the looks by which verdicts judge; of all, where those are too few."""
    chosen = late(steps)
    return values if chosen is None else values[chosen]


def _median(values: np.ndarray) -> float:
    sound = values[np.isfinite(values)]
    return float(np.median(sound)) if len(sound) else math.nan


def _number(values: np.ndarray) -> Html:
    found = _median(values)
    return Html("–") if math.isnan(found) else number(found)


def _share(values: np.ndarray | None) -> str:
    return share(math.nan if values is None else _median(values))
