"""Which samples a report shows, the most telling first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from danlu.errors import DanluError
from danlu.evaluation.predictions import ClassPredictions
from danlu.evaluation.suspicious import Suspect, Worst, worst
from danlu.evaluation.verified import Verified, verified
from danlu.report.facts import Facts
from danlu.runs.stored import Stored

MATRIX = 24  # classes up to which the whole matrix is drawn
_WORST, _SUSPECTS, _PAIRS, _ALIKE = 16, 16, 60, 8
_WRONG, _RIGHT, _CELLS = 8, 4, 400  # samples of a cell at most, and of all cells


@dataclass(frozen=True)
class Faulty:
    """A sample of an application that judges errors itself: predictions and truth as its columns hold them. fault: larger is worse."""

    id: str
    fault: float
    predictions: dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """cells: (true, predicted) → ids, of at most 24 classes all filled ones, of more those with the most mistakes."""

    worst: list[Worst] = field(default_factory=list)
    suspects: list[tuple[str, Suspect]] = field(default_factory=list)
    cells: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    faulty: list[Faulty] = field(default_factory=list)
    verified: Verified | None = None

    def ids(self) -> Iterator[str]:
        """In order of weight; an id comes as often as it is shown."""
        yield from (one.id for one in self.worst)
        yield from (one.id for one in self.faulty)
        if self.verified is not None:
            yield from (
                name for one in (*self.verified.missed, *self.verified.mistaken) for name in (one.first, one.second)
            )
        yield from (one.id for _, one in self.suspects)
        for turn in zip_longest(*self.cells.values()):
            yield from (each for each in turn if each is not None)


def choose(facts: Facts, task: Any = None) -> Choice:
    """task: the application, if it could be made: it may know which predictions are bad where kinds don't tell."""
    predictions = facts.predictions(facts.part)
    if predictions is None:
        return Choice(faulty=_faults(facts, task), verified=_verified(facts))
    chosen = Choice(worst=worst(predictions, _WORST))
    if not isinstance(predictions, ClassPredictions):
        return chosen
    doubted = [(part, one) for part, found in facts.suspicion.items() for one in found.suspects[:_SUSPECTS]]
    doubted.sort(key=lambda pair: -pair[1].margin)
    return Choice(chosen.worst, doubted[:_SUSPECTS], _cells(facts))


def pairs(matrix: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The fullest cells of mistakes, (true, predicted); of equals the first."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    filled = np.flatnonzero(wrong)
    order = filled[np.argsort(-wrong.reshape(-1)[filled], kind="stable")][:most]
    return [divmod(int(cell), len(matrix)) for cell in order]


def _cells(facts: Facts) -> dict[tuple[int, int], list[str]]:
    found = facts.confusion
    if found is None:
        return {}
    few = len(found.classes) <= MATRIX
    wanted = pairs(found.matrix, MATRIX**2 if few else _PAIRS)
    most = max(1, min(_WRONG, _CELLS // max(1, len(wanted))))
    cells = {cell: found.ids(*cell, most) for cell in wanted}
    if few:
        ids = found.predictions.ids
        for place in np.flatnonzero(np.diagonal(found.matrix)).tolist():
            rows = found.rows(place, place)[::-1][: min(_RIGHT, most)]
            cells[place, place] = [ids[row] for row in rows.tolist()]
    return cells


def _verified(facts: Facts) -> Verified | None:
    """None where there are no embeddings, or where the file can't be read."""
    if not facts.part or not facts.columns:
        return None
    try:
        return verified(Stored(facts.path(facts.part)), facts.columns, _ALIKE)
    except DanluError as error:
        facts.problems.extend(error.problems)
        return None


def _faults(facts: Facts, task: Any) -> list[Faulty]:
    """Empty where there is nothing to judge, where the task doesn't, or where the file can't be read."""
    if task is None or not facts.part:
        return []
    try:
        return list(_faulty(facts, task))
    except DanluError as error:
        facts.problems.extend(error.problems)
        return []


def _faulty(facts: Facts, task: Any) -> Iterator[Faulty]:
    """The worst by the task's own judgement; block by block, so that memory doesn't grow with the part."""
    stored = Stored(facts.path(facts.part))
    truths = [f"true/{name}" for name in stored.truths]
    kept: list[tuple[float, int, Faulty]] = []
    row = 0
    for block in stored.blocks(("id", *truths, *stored.predictions), 256):
        told = {name: block[name] for name in stored.predictions}
        faults = task.faults(told, {name.removeprefix("true/"): block[name] for name in truths})
        if faults is None:
            return
        for place, fault in enumerate(np.asarray(faults, np.float64).tolist()):
            if fault > 0 and (len(kept) < _WORST or fault > kept[0][0]):
                one = Faulty(block["id"][place], fault, {name: np.array(value[place]) for name, value in told.items()})
                (heapq.heappush if len(kept) < _WORST else heapq.heapreplace)(kept, (fault, -row, one))
            row += 1
    yield from (one for _, _, one in sorted(kept, key=lambda entry: (-entry[0], -entry[1])))
