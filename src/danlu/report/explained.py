"""What answers rest on, for a report: Grad-CAM of a few samples, never for long, and never at the price of the page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu.report.choice import Choice
from danlu.report.facts import Facts
from danlu.report.samples import Source
from danlu.report.thumbnails import Thumbnail, thumbnail

if TYPE_CHECKING:
    from danlu.evaluation.explain.explanation import Explanation

_WORST, _RIGHT = 5, 3
_SECONDS = 15.0  # of this process's CPU time, after which no further sample is begun
_LONGEST = 96


@dataclass(frozen=True)
class Shown:
    """One sample. image, heat: pictures of one size. target: what the net answered, and the map explains."""

    id: str
    target: str
    image: Thumbnail
    heat: Thumbnail


@dataclass(frozen=True)
class Explained:
    """worst, right: samples, fewer than ``wanted`` where they took long. reason: why there are none; "" where none are meant to be."""

    worst: list[Shown] = field(default_factory=list)
    right: list[Shown] = field(default_factory=list)
    layer: str = ""
    wanted: int = 0
    reason: str = ""


def explain(facts: Facts, source: Source | None, chosen: Choice) -> Explained:
    """Of image tasks; whatever prevents it is told in ``reason``."""
    if source is None or all(source.data.kinds[name].name != "image" for name in source.data.inputs):
        return Explained()
    worst = list(dict.fromkeys([*(one.id for one in chosen.worst), *(one.id for one in chosen.faulty)]))[:_WORST]
    right = _right(facts)
    if not worst and not right:
        return Explained()
    try:
        return _explained(facts, source, worst, right)
    except Exception as error:  # noqa: BLE001 - a net may be anything; the page is there all the same
        return Explained(reason=str(error) or type(error).__name__)


def _explained(facts: Facts, source: Source, worst: list[str], right: list[str]) -> Explained:
    from danlu.evaluation.explain.explaining import explained
    from danlu.evaluation.explain.subject import Opened

    began = time.process_time()
    opened = Opened.of(facts.run.path)
    wanted = [*worst, *right]
    place = {name: row for row, name in enumerate(source.data.ids) if name in set(wanted)}
    found: dict[str, Shown] = {}
    layer = ""
    for name in (each for each in wanted if each in place):
        if found and time.process_time() - began > _SECONDS:
            break
        made = explained(opened.subject(_values(source, place[name])), name)
        layer = made.layer
        found[name] = _shown(made)
    return Explained(
        [found[name] for name in worst if name in found],
        [found[name] for name in right if name in found],
        layer,
        len([name for name in wanted if name in place]),
    )


def _values(source: Source, row: int) -> dict[str, Any]:
    at = np.asarray([row], np.int64)
    return {name: source.data.store.gather(name, at)[0] for name in source.data.inputs}


def _shown(made: Explanation) -> Shown:
    return Shown(made.input, made.target, thumbnail(made.image, _LONGEST), thumbnail(made.overlay(), _LONGEST))


def _right(facts: Facts) -> list[str]:
    """Of the samples that were answered rightly a few, evenly drawn from the least to the most sure."""
    found = facts.classified
    if found is None:
        return []
    rows = np.flatnonzero(found.answers.hits)
    rows = rows[np.argsort(found.answers.given[rows], kind="stable")]
    return list(_drawn([found.ids[row] for row in rows.tolist()]))


def _drawn(ids: list[str]) -> Iterator[str]:
    places = np.linspace(0, len(ids) - 1, _RIGHT + 2).round().astype(int)[1:-1] if ids else ()
    yield from dict.fromkeys(ids[place] for place in places)
