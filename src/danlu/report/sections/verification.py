"""Embeddings that tell identities apart: the receiver operating characteristic, and the pairs that are hardest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from danlu.evaluation.verified import Pair, Verified
from danlu.messages import say
from danlu.report.charts.curves import Curve, curves
from danlu.report.html import Html, cut, join, name_of, number, tag
from danlu.report.sections.base import Page, Section, class_of, note, share
from danlu.watch.figures import figure

_POINTS = 181  # of the curve


def section(page: Page) -> Section | None:
    found = page.choice.verified
    if found is None:
        return None
    about = say(
        "verification.roc.about",
        threshold=figure(found.threshold),
        accepted=share(found.accepted),
        alarms=share(found.alarms),
    )
    words = tag("div", tag("p", about), note(say("verification.note")))
    parts = [tag("div", tag("figure", _roc(found, about)), words, class_="beside")]
    for name, pairs in (("missed", found.missed), ("mistaken", found.mistaken)):
        parts += [tag("h3", say(f"verification.{name}")), _pairs(page, pairs, say(f"verification.{name}"))]
    return Section("verification", say("verification.section"), join(parts))


def _roc(found: Verified, about: str) -> Html:
    at = np.linspace(0, 1, _POINTS)
    place = np.searchsorted(found.far, at + 1e-12, side="right") - 1
    drawn = [
        Curve(say("verification.tar"), at, found.tar[place], "train"),
        Curve(say("verification.chance"), at, at, "val"),
    ]
    return curves(say("verification.roc"), about, drawn, say("verification.far"), logarithms=False)


def _pairs(page: Page, pairs: Sequence[Pair], caption: str) -> Html:
    return tag("ul", [_pair(page, one) for one in pairs[: page.most(8)]], class_="cards strips", aria_label=caption)


def _pair(page: Page, pair: Pair) -> Html:
    pictures = []
    for one in (pair.first, pair.second):
        seen = page.seen.get(one)
        if seen is not None and seen.picture is not None:
            told = say("report.picture-of", name=cut(one))
            size = {"width": seen.picture.width, "height": seen.picture.height}
            pictures.append(tag("img", src=seen.picture.uri, alt=told, **size))
    names = list(dict.fromkeys(pair.names))
    likeness = say("verification.likeness", value=f"{pair.likeness:.3f}")
    return tag(
        "li",
        tag("div", pictures, class_="two") if pictures else tag("div", say("report.no-picture"), class_="none"),
        tag(
            "div",
            join([each if place == 0 else join([" / ", each]) for place, each in enumerate(map(class_of, names))]),
        ),
        tag("div", number(pair.likeness, likeness), class_="figure"),
        tag("div", join([name_of(pair.first, 24), " · ", name_of(pair.second, 24)]), class_="origin"),
    )
