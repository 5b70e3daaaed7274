"""Learning curves, where the best epoch lies, and whether the net learnt too little or too much by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from danlu.evaluation.fitting import Fit
from danlu.messages import choose, say
from danlu.report.charts.curves import Curve, curves
from danlu.report.facts import Facts
from danlu.report.html import Html, join, number, tag
from danlu.report.sections.base import Page, Section, metric_name, note, told
from danlu.watch.figures import figure
from danlu.watch.health.verdict import Verdict

_PLACES = {
    "overfitting": ("best", "best_epoch", "last", "best_train", "train"),
    "rising": ("best", "best_epoch", "last", "best_train", "train"),
    "underfitting": ("first_train", "train", "last"),
    "unfinished": ("earlier", "last", "last_epoch"),
    "gap": ("train", "last"),
    "fine": ("train", "last", "best", "best_epoch"),
    "unknown": ("evaluations",),
}
"""What the evidence of each kind of fit names."""

_SAME = {"overfitting": ("overfitting",), "underfitting": ("underfitting", "plateau")}
"""Kind → verdicts on the run's health that say the same, with better evidence."""

_COLOURS = {"overfitting": "bad", "underfitting": "bad", "rising": "warn", "gap": "warn"}


def section(page: Page) -> Section | None:
    facts = page.facts
    pictures = [picture for picture in (_loss(facts), _metric(facts), _rate(facts), _gradient(facts)) if picture]
    if not pictures:
        return None
    compared = facts.compared()
    verdict = None if facts.fit is None else _verdict(facts.fit, facts.health, compared is None or compared.beaten)
    return Section("curves", say("report.curves"), join([verdict, tag("div", pictures, class_="charts")]))


def _verdict(fit: Fit, verdicts: Sequence[Verdict], well: bool) -> Html:
    """In words, with the figures that it rests on. well: False where curves that look well are no reason for joy."""
    words = {
        "first_train": figure(fit.first_train),
        "best_train": figure(fit.best_train),
        "train": figure(fit.last_train),
        "best": figure(fit.best_val),
        "last": figure(fit.last_val),
        "earlier": figure(fit.earlier_val),
        "best_epoch": _epochs(fit.best_epoch),
        "last_epoch": _epochs(fit.last_epoch),
        "evaluations": str(fit.evaluations),
    }
    found = next((one for one in verdicts if one.name in _SAME.get(fit.kind, ())), None)
    if found is None:
        evidence = say(f"report.fit.{fit.kind}.evidence", **{name: words[name] for name in _PLACES[fit.kind]})
    else:
        evidence = choose(("; ", "；")).join(each.text for each in found.evidence) + choose((".", "。"))
    figures = [
        (say("report.fit.train-loss"), fit.last_train, "train"),
        (say("report.fit.val-loss"), fit.last_val, "val"),
        (say("report.fit.lowest"), fit.best_val, "best"),
    ]
    shown = [tag("span", name, " ", number(value, data_name=f"fit/{key}")) for name, value, key in figures]
    return told(
        "good" if fit.kind == "fine" and well else _COLOURS.get(fit.kind, "plain"),
        tag("p", tag("strong", say(f"report.fit.{fit.kind}")), choose((" ", "")), evidence),
        tag("p", shown, class_="figures"),
        note(say("report.fit.note")),
    )


def _loss(facts: Facts) -> Html | None:
    steps, epochs = "train/loss", "epoch/train/loss"
    drawn = [
        _curve(facts, steps, say("report.curves.each-step"), "train", band=epochs in facts.curves),
        _curve(facts, epochs, say("report.curves.train"), "train"),
        _curve(facts, "val/loss", say("report.curves.val"), "val"),
    ]
    return _chart(facts, say("report.curves.loss"), drawn, best=True)


def _metric(facts: Facts) -> Html | None:
    """The monitored metric; another one of the validation part where the loss itself is monitored."""
    names = [facts.monitor, *(name for name in facts.curves if name.startswith("val/") and "loss" not in name)]
    name = next((name for name in names if name in facts.curves and name != "val/loss"), None)
    if name is None:
        return None
    title = say("report.curves.metric", name=metric_name(name))
    return _chart(facts, title, [_curve(facts, name, title, "val")], best=True)


def _rate(facts: Facts) -> Html | None:
    """By its size, not by its logarithm: what a schedule is, a person sees in its shape."""
    name = say("report.curves.rate")
    return _chart(facts, name, [_curve(facts, "lr", name, "train")], logarithms=False)


def _gradient(facts: Facts) -> Html | None:
    drawn = [
        _curve(facts, "grad_norm", say("report.curves.each-step"), "train", band=True),
        _curve(facts, "grad_norm", say("report.curves.mean"), "train"),
    ]
    return _chart(facts, say("report.curves.gradient"), drawn)


def _curve(facts: Facts, name: str, shown: str, class_: str, band: bool = False) -> Curve | None:
    if name not in facts.curves:
        return None
    steps, values = facts.curves[name]
    if not np.isfinite(values).any():
        return None
    return Curve(shown, steps / facts.steps_per_epoch, values, class_, band)


def _chart(
    facts: Facts, title: str, drawn: list[Curve | None], best: bool = False, logarithms: bool = True
) -> Html | None:
    found = [curve for curve in drawn if curve is not None]
    if not any(not curve.band for curve in found):
        return None
    mark = None
    if best and facts.best_step is not None:
        at = facts.best_step / facts.steps_per_epoch
        mark = (at, say("report.curves.best", epoch=_epochs(at)))
    said = [_ends(curve) for curve in found] + ([mark[1]] if mark else [])
    drawing = curves(
        say("report.curves.of", name=title), " ".join(said), found, say("report.epoch"), mark, logarithms=logarithms
    )
    return tag("figure", tag("figcaption", title), drawing)


def _ends(curve: Curve) -> str:
    sound = curve.values[np.isfinite(curve.values)]
    first, last = (figure(float(sound[place])) for place in (0, -1))
    return say("report.curves.from-to", name=curve.name, first=first, last=last)


def _epochs(value: float) -> str:
    return str(round(value)) if math.isclose(value, round(value), abs_tol=1e-6) else f"{value:.2f}"
