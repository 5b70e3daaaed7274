"""What a net looked at while it wrote, for a report: the worst samples, never for long, and never at the price of the page."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from danlu.report.choice import Choice
from danlu.report.facts import Facts
from danlu.report.samples import Source

if TYPE_CHECKING:
    from danlu.evaluation.explain.attention import Attention

_MOST = 4  # samples
_TOKENS = 40  # of either side, beyond which a sample is too wide to be read
_LOOKED = 12  # samples, of which the first short ones are taken
_SECONDS = 15.0  # of this process's CPU time, after which no further sample is begun


@dataclass(frozen=True)
class Attended:
    """found: (sample id, map). reason: why there are none; "" where none are meant to be."""

    found: list[tuple[str, Attention]] = field(default_factory=list)
    reason: str = ""


def attended(facts: Facts, source: Source | None, chosen: Choice) -> Attended:
    """Of runs that write one text for another; what prevents it is told in ``reason``."""
    if source is None or [source.data.kinds[name].name for name in source.data.inputs] != ["text"] or not chosen.faulty:
        return Attended()
    if [source.data.kinds[name].name for name in source.data.targets] != ["tokens"]:
        return Attended()
    try:
        return Attended(_attended(facts, source, [one.id for one in chosen.faulty[:_LOOKED]]))
    except Exception as error:  # noqa: BLE001 - a net may be anything; the page is there all the same
        return Attended(reason=str(error) or type(error).__name__)


def _attended(facts: Facts, source: Source, wanted: list[str]) -> list[tuple[str, Attention]]:
    from danlu.evaluation.explain.attention import of_ids
    from danlu.runs.predicting import RunPredictor

    began = time.process_time()
    run = RunPredictor(facts.run.path)
    if not hasattr(run.net, "attention"):  # a net of the user's
        return []
    data = source.data
    place = {name: row for row, name in enumerate(data.ids) if name in set(wanted)}
    found: list[tuple[str, Attention]] = []
    for name in (each for each in wanted if each in place):
        if len(found) == _MOST or (found and time.process_time() - began > _SECONDS):
            break
        ids = data.store.gather(data.inputs[0], np.asarray([place[name]], np.int64))[0]
        if len(ids) > _TOKENS:
            continue
        made = of_ids(run, ids)
        if len(made.written) <= _TOKENS:
            found.append((name, made))
    return found
