"""What answers about texts rest on, for a report: a few samples, never for long, and never at the price of the page."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from danlu.report.choice import Choice
from danlu.report.facts import Facts
from danlu.report.samples import Source

if TYPE_CHECKING:
    from danlu.evaluation.explain.words import Words

_WORST, _RIGHT = 6, 4
_SECONDS = 15.0  # of this process's CPU time, after which no further sample is begun


@dataclass(frozen=True)
class One:
    """One sample. true: its label."""

    id: str
    true: str
    words: Words


@dataclass(frozen=True)
class Worded:
    """found: the worst, then some right ones. reason: why there are none; "" where none are meant to be."""

    found: list[One] = field(default_factory=list)
    reason: str = ""


def worded(facts: Facts, source: Source | None, chosen: Choice) -> Worded:
    """Of runs with one text as input and a category as target; whatever prevents it is told in ``reason``."""
    if source is None or [source.data.kinds[name].name for name in source.data.inputs] != ["text"]:
        return Worded()
    right = [each for (true, answer), ids in chosen.cells.items() if true == answer for each in ids[:2]][:_RIGHT]
    wanted = [*(one.id for one in chosen.worst[:_WORST]), *right]
    if not wanted or len(source.data.targets) != 1 or source.data.kinds[source.data.targets[0]].name != "category":
        return Worded()
    try:
        return Worded(_worded(facts, source, list(dict.fromkeys(wanted))))
    except Exception as error:  # noqa: BLE001 - a net may be anything; the page is there all the same
        return Worded(reason=str(error) or type(error).__name__)


def _worded(facts: Facts, source: Source, wanted: list[str]) -> list[One]:
    from danlu.evaluation.explain.words import of_ids
    from danlu.runs.predicting import RunPredictor

    began = time.process_time()
    run = RunPredictor(facts.run.path)
    data = source.data
    place = {name: row for row, name in enumerate(data.ids) if name in set(wanted)}
    found: list[One] = []
    for name in (each for each in wanted if each in place):
        if found and time.process_time() - began > _SECONDS:
            break
        at = np.asarray([place[name]], np.int64)
        true = data.kinds[data.targets[0]].draw(data.store.gather(data.targets[0], at)[0])
        found.append(One(name, str(true), of_ids(run, data.store.gather(data.inputs[0], at)[0])))
    return found
