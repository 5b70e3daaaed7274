"""Two runs on the samples that both have judged: aligned by id, classes by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from danlu.metrics.answers import Answers
from danlu.metrics.bootstrap import Figure
from danlu.metrics.mcnemar import mcnemar
from danlu.metrics.sampled import of_classes, of_numbers
from danlu.runs.judged import ClassPredictions, NumberPredictions, Predictions
from danlu.runs.verdict import both


@dataclass(frozen=True)
class Paired:
    """N samples with the same label in both. relabelled: ids that both judged, against different labels; they are left out.

    answers, or numbers float64 (N,): of the one and the other run. truth: (N,), class index in ``answers`` or number.
    """

    ids: Sequence[str]
    relabelled: Sequence[str]
    answers: tuple[Answers, Answers] | None = None
    numbers: tuple[np.ndarray, np.ndarray] | None = None
    truth: np.ndarray | None = None

    def figures(self) -> tuple[dict[str, Figure], dict[str, Figure]]:
        if self.answers is not None:
            return of_classes(self.answers[0]), of_classes(self.answers[1])
        assert self.numbers is not None
        return of_numbers(self.numbers[0], self.truth), of_numbers(self.numbers[1], self.truth)


@dataclass(frozen=True)
class Flips:
    """Samples that one run got right and the other wrong. p: of McNemar's exact test that both are equally often right."""

    lost: tuple[str, ...]
    won: tuple[str, ...]
    p: float

    def as_dict(self, most: int | None = None) -> dict[str, Any]:
        """JSON-able: counts, and at most ``most`` ids each."""
        counts = {"lost_count": len(self.lost), "won_count": len(self.won)}
        return asdict(self) | {"lost": list(self.lost[:most]), "won": list(self.won[:most])} | counts


def pair(one: Predictions, other: Predictions) -> Paired | None:
    """None where one is of classes and the other of numbers."""
    mine, others = both(one.ids, other.ids)
    if isinstance(one, NumberPredictions) and isinstance(other, NumberPredictions):
        same = one.true[mine] == other.true[others]
        kept, theirs = mine[same], others[same]
        return Paired(
            _named(one, kept),
            _named(one, mine[~same]),
            numbers=(one.predicted[kept], other.predicted[theirs]),
            truth=one.true[kept],
        )
    if isinstance(one, ClassPredictions) and isinstance(other, ClassPredictions):
        first, second = _common(one, other)
        same = first.true[mine] == second.true[others]
        kept, theirs = mine[same], others[same]
        answers = first.pick(kept), second.pick(theirs)
        return Paired(_named(one, kept), _named(one, mine[~same]), answers=answers, truth=answers[0].true)
    return None


def flips(paired: Paired) -> Flips | None:
    """None for numbers, of which none is simply right."""
    if paired.answers is None:
        return None
    before, now = (answers.hits for answers in paired.answers)
    lost, won = (
        tuple(paired.ids[row] for row in np.flatnonzero(where).tolist()) for where in (before & ~now, ~before & now)
    )
    return Flips(lost, won, mcnemar(len(lost), len(won)))


def _common(one: ClassPredictions, other: ClassPredictions) -> tuple[Answers, Answers]:
    """Labels of both as places in one list of classes: the first run's, then what only the second knows."""
    if one.classes == other.classes:
        return one.answers, other.answers
    place = {name: index for index, name in enumerate(dict.fromkeys((*one.classes, *other.classes)))}
    moved = []
    for each in (one, other):
        to = np.asarray([place[name] for name in each.classes], np.int64)
        answers = each.answers
        moved.append(replace(answers, classes=len(place), true=to[answers.true], predicted=to[answers.predicted]))
    return moved[0], moved[1]


def _named(predictions: Predictions, rows: np.ndarray) -> list[str]:
    return [predictions.ids[row] for row in rows.tolist()]
