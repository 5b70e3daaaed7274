"""``report.html``: a run's folder becomes one page."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

from danlu.data.kinds.boxes import Boxes
from danlu.errors import RunError
from danlu.messages import Language, choose, language, say, set_language
from danlu.report import attended, choice, explained, page, worded
from danlu.report.facts import Facts, unmade
from danlu.report.html import Html, cut
from danlu.report.samples import Source, open_source
from danlu.report.sections import (
    attention,
    baselines,
    calibration,
    classes,
    confusion,
    curves,
    data,
    duplicates,
    environment,
    explanations,
    forecast,
    health,
    labels,
    layers,
    recipe,
    remarks,
    residuals,
    suspicious,
    thresholds,
    verification,
    words,
    worst,
)
from danlu.report.sections.base import Page, Section
from danlu.report.sections.headline import headline
from danlu.runs.run import Run
from danlu.training.aside import write_whole

NAME = "report.html"
LARGEST = 1_000_000  # bytes
_PICTURES = 520_000  # of them
_BOXED = 224  # pixels of the longer side of a picture with boxes, which have to be seen
_PLAIN, _MANY = (96, 72), 150  # of any other; where there are more than so many of them
_SIDES = 420  # of one that shows several side by side
_LEAST = 0.01  # of lists is left

SECTIONS: tuple[Callable[[Page], Section | None], ...] = (
    curves.section,
    health.section,
    residuals.section,
    confusion.section,
    classes.section,
    worst.section,
    labels.section,
    verification.section,
    explanations.section,
    words.section,
    attention.section,
    suspicious.section,
    thresholds.section,
    calibration.section,
    baselines.section,
    duplicates.section,
    layers.section,
    data.section,
    remarks.section,
    recipe.section,
    forecast.section,
    environment.section,
)


def write_report(run: str | Path | Run, target: str | Path | None = None, lang: Language | None = None) -> Path:
    """Write a run's report and return where it lies: ``RUN/report.html`` unless ``target`` names another file.

    lang: "en" or "zh"; by default the language that texts are given in. Never more than 1 MB: pictures, then lists are cut. Where the
    run's data can't be had any more there are no samples in it, which it says. What is missing or damaged in the run's folder is left
    out and said. Raises RunError where there is no run, or where the file can't be written.
    """
    facts = Facts.of(run)
    text = copy_context().run(_in_language, lang or language(), facts)
    path = facts.run.path / NAME if target is None else Path(target)
    try:
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as error:
        what = say("runs.not-written", reason=error.strerror or str(error))
        raise RunError.of(str(path), what, say("runs.not-written.remedy")) from error
    return path


def _in_language(lang: Language, facts: Facts) -> str:
    set_language(lang)
    return written(facts)


def written(facts: Facts, largest: int = LARGEST) -> str:
    """The page, of at most ``largest`` bytes."""
    source = open_source(facts)
    chosen = choice.choose(facts, None if source is None else source.task)
    why = explained.explain(facts, source, chosen)
    texts = worded.worded(facts, source, chosen)
    looked = attended.attended(facts, source, chosen)
    name = cut(facts.run.path.resolve().name, 60)
    task = choose(facts.spec.title) if facts.spec is not None else facts.recipe.task
    room, scale = _PICTURES * largest // LARGEST, 1.0
    while True:
        body, last = _body(facts, source, chosen, why, texts, looked, room, scale), scale < _LEAST
        if last or len(body) <= largest:  # the fonts are only made where there may be room for them
            text = page.whole(f"{name} · {task} · Danlu", body)
            if last or len(text.encode("utf-8", "replace")) <= largest:
                return text
        room, scale = room // 2, scale / 2


def _body(
    facts: Facts,
    source: Source | None,
    chosen: choice.Choice,
    why: explained.Explained,
    texts: worded.Worded,
    looked: attended.Attended,
    room: int,
    scale: float,
) -> Html:
    kinds = {} if source is None else source.data.kinds
    boxes = {name: kind.classes for name, kind in kinds.items() if isinstance(kind, Boxes)}
    longest = _BOXED if boxes else _PLAIN[len(set(chosen.ids())) > _MANY]
    told: dict[str, dict[str, Any]] = {}
    if source is not None and getattr(source.task, "drawn_faults", False):
        longest = _SIDES
    if source is not None and source.task is not None:
        told = {one.id: one.predictions for one in chosen.faulty}
    seen = {} if source is None else source.look(chosen.ids(), room, longest, told)
    made = Page(facts, chosen, seen, scale, boxes, why, texts, looked)
    head = headline(made)
    done = {make: _section(make, made) for make in SECTIONS if make is not remarks.section}
    done[remarks.section] = remarks.section(made)  # they tell what the others could not read
    sections = [section for section in map(done.get, SECTIONS) if section is not None]
    return page.body_of(head, sections)


def _section(make: Callable[[Page], Section | None], made: Page) -> Section | None:
    """None where its part of the run's folder is damaged, which the remarks tell."""
    try:
        return make(made)
    except Exception as error:  # noqa: BLE001 - damaged files may hold anything; the rest of the page is there all the same
        made.facts.problems.append(unmade(_title(make), error))
        return None


def _title(make: Callable[[Page], Section | None]) -> str:
    """What a section is called, where it can't say so itself."""
    name = make.__module__.rpartition(".")[2]
    return say({"labels": "labels.section", "explanations": "explain.section"}.get(name, f"report.{name}"))
