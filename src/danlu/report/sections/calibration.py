"""Whether the net's probabilities mean what they say."""

from __future__ import annotations

from danlu.evaluation.calibration import Calibration, Mended
from danlu.messages import say
from danlu.report.charts.reliability import reliability
from danlu.report.html import Html, between, join, number, tag
from danlu.report.sections.base import Page, Section, folded, note, share, table, told
from danlu.watch.figures import figure

_GOOD = 0.02  # of the expected calibration error


def section(page: Page) -> Section | None:
    found = page.facts.calibration
    if found is None:
        return None
    drawing = reliability(
        say("report.calibration.of"),
        _verdict(found),
        found.bins,
        say("report.calibration.sure"),
        say("report.calibration.right"),
        say("report.calibration.share"),
    )
    mended = page.facts.mended
    words = tag(
        "div",
        told("good" if found.ece < _GOOD else "warn", _verdict(found)),
        _tiles(found),
        None if mended is None else _cure(mended),
        note(say("report.calibration.note")),
    )
    title = say("report.calibration")
    return Section(
        "calibration", title, join([tag("div", tag("figure", drawing), words, class_="beside"), _bins(found)])
    )


def _verdict(found: Calibration) -> str:
    way = "good" if found.ece < _GOOD else "over" if found.sure > found.right else "under"
    return say(f"report.calibration.{way}", sure=share(found.sure), right=share(found.right), ece=figure(found.ece))


def _tiles(found: Calibration) -> Html:
    figures = [
        ("ECE", found.ece, "ece"),
        (say("report.calibration.mass-ece"), found.mass_ece, "mass-ece"),
        ("Brier", found.brier, "brier"),
        (say("report.log-loss"), found.log_loss, "log-loss"),
    ]
    tiles = [
        tag("li", tag("span", name, class_="what"), tag("strong", number(value, data_name=f"calibration/{key}")))
        for name, value, key in figures
    ]
    return tag("ul", tiles, class_="tiles small")


def _cure(mended: Mended) -> Html:
    """What one temperature would make of it; not where that is no better."""
    before, after = mended.temperature, mended.after.ece
    part = say(f"report.part.{mended.fitted_on}")
    said = say("report.calibration.mended", temperature=figure(before), part=part, ece=figure(after))
    exact = [
        tag("data", value=repr(float(value)), data_name=f"calibration/{name}")
        for name, value in (("temperature", before), ("mended-ece", after))
    ]
    return tag("p", said, exact)


def _bins(found: Calibration) -> Html:
    rows = [
        [
            f"{one.low:.2f} – {one.high:.2f}",
            f"{one.count:,}",
            number(one.sure, f"{one.sure:.3f}"),
            number(one.right, f"{one.right:.3f}"),
            between(one.interval, digits=3),
        ]
        for one in found.bins
    ]
    names = ("calibration.bin", "samples", "calibration.sure", "calibration.right", "interval")
    heads = [say(f"report.{name}") for name in names]
    title = say("report.calibration.table")
    return folded(title, table(heads, rows, title, right=(1, 2, 3, 4), titled=False))
