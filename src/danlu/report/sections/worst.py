"""Samples that the net judged worst."""

from __future__ import annotations

from danlu.data.images.palette import colours
from danlu.messages import say
from danlu.report.html import Html, join, number, tag
from danlu.report.sections.base import Page, Section, class_of, note
from danlu.report.sections.cards import SURE, Entry, gallery, labelled
from danlu.watch.figures import figure

_KEYS = 40  # colours that are explained


def section(page: Page) -> Section | None:
    chosen = page.choice
    if chosen.faulty:
        body = _by_task(page)
    elif not chosen.worst:
        return None
    else:
        body = _numbers(page) if page.facts.classified is None else _classes(page)
        if not any(one.id in page.seen for one in chosen.worst):
            body = join([body, note(say("report.not-found"))])
    return Section("worst", say("report.worst"), body)


def _classes(page: Page) -> Html:
    entries = []
    for one in page.choice.worst:
        loss = tag("span", say("report.loss", loss=figure(one.loss)), class_="figure")
        entries.append(Entry(one.id, [*labelled(str(one.true), str(one.predicted), one.sure or 0.0), loss]))
    heads = [say("report.given-label"), say("report.predicted"), say("report.loss-head")]
    about = tag("p", say("report.worst.classes", part=page.part))
    return join([about, gallery(page, entries, heads, say("report.worst"), numbers=1)])


def _numbers(page: Page) -> Html:
    entries = [
        Entry(one.id, [number(float(one.true)), number(float(one.predicted)), number(one.loss)])
        for one in page.choice.worst
    ]
    heads = [say("report.true"), say("report.predicted"), say("report.off-by")]
    about = tag("p", say("report.worst.numbers", part=page.part))
    return join([about, gallery(page, entries, heads, say("report.worst"), numbers=3)])


def _by_task(page: Page) -> Html:
    entries = [
        Entry(one.id, [say("report.worst.fault", fault=f"{one.fault:.1f}")], one.predictions.get("boxes"))
        for one in page.choice.faulty
    ]
    drawn = gallery(page, entries, [say("report.fault")], say("report.worst"), numbers=1)
    keys = _colours(page)
    if keys:
        return join([tag("p", say("report.worst.masks")), tag("p", keys, class_="keys"), drawn])
    if not page.box_classes:
        return join([tag("p", say("report.worst.by-task")), drawn])
    keys = [tag("span", say(f"report.boxes.{kind}"), class_=f"key {kind}") for kind in ("true", "found")]
    return join([tag("p", say("report.worst.faults", score=SURE)), tag("p", keys), drawn])


def _colours(page: Page) -> list[Html]:
    """The classes of masks in the colours that they are drawn in."""
    columns = page.facts.columns or {}
    kinds = [columns.get("kinds", {}).get(name, {}) for name in columns.get("targets", ())]
    classes: list[str] = next((kind["spec"]["classes"] for kind in kinds if kind.get("kind") == "mask"), [])[:_KEYS]
    shown = [f"#{bytes(colour).hex()}" for colour in colours(len(classes)).tolist()]
    return [
        tag("span", class_of(str(name)), class_="key colour", style=f"--key:{colour}")
        for name, colour in zip(classes, shown, strict=True)
    ]
