"""What answers about texts rest on, for a report: a few samples, never for long, and never at the price of the page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu.report.choice import Choice
from danlu.report.facts import Facts
from danlu.report.samples import Source

if TYPE_CHECKING:
    from danlu.evaluation.explain.words import Words

_WORST, _RIGHT = 6, 4
_LABELS = 3  # of a sample with a set of labels
_SECONDS = 15.0  # of this process's CPU time, after which no further sample is begun


@dataclass(frozen=True)
class One:
    """One sample. true: its label, or labels."""

    id: str
    true: str
    words: Words


@dataclass(frozen=True)
class Worded:
    """found: the worst, then some right ones. reason: why there are none; "" where none are meant to be.

    sets: whether samples have sets of labels: then one comes once for each label that is explained.
    """

    found: list[One] = field(default_factory=list)
    reason: str = ""
    sets: bool = False


def worded(facts: Facts, source: Source | None, chosen: Choice) -> Worded:
    """Of runs with one text as input, and a category or a set of labels as target; what prevents it is told in ``reason``."""
    if source is None or [source.data.kinds[name].name for name in source.data.inputs] != ["text"]:
        return Worded()
    right = [each for (true, answer), ids in chosen.cells.items() if true == answer for each in ids[:2]][:_RIGHT]
    wanted = [*(one.id for one in chosen.worst[:_WORST]), *right, *(one.id for one in chosen.faulty[:_WORST])]
    target = source.data.kinds[source.data.targets[0]].name if len(source.data.targets) == 1 else ""
    if not wanted or target not in ("category", "labels"):
        return Worded()
    answers = {one.id: one.predictions for one in chosen.faulty} if target == "labels" else {}
    try:
        return Worded(_worded(facts, source, list(dict.fromkeys(wanted)), answers), sets=target == "labels")
    except Exception as error:  # noqa: BLE001 - a net may be anything; the page is there all the same
        return Worded(reason=str(error) or type(error).__name__)


def _worded(facts: Facts, source: Source, wanted: list[str], answers: Mapping[str, Mapping[str, Any]]) -> list[One]:
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
        value = data.store.gather(data.targets[0], at)[0]
        true = str(data.kinds[data.targets[0]].draw(value))
        ids = data.store.gather(data.inputs[0], at)[0]
        for target in _asked(value, answers[name]) if name in answers else (None,):
            found.append(One(name, true, of_ids(run, ids, target)))
    return found


def _asked(true: np.ndarray, answer: Mapping[str, Any]) -> list[int]:
    """The labels of a set that are explained: first those that are decided wrongly, the surest mistake first, then found ones."""
    probability = np.asarray(answer["probability"], np.float64)
    have, found = np.asarray(true) > 0, np.asarray(answer["labels"]) > 0
    fault = np.where(have, 1 - probability, probability)
    order = np.lexsort((np.where(have != found, -fault, -probability), ~(have != found)))
    places: list[int] = order[(have | found)[order]][:_LABELS].tolist()
    return places
