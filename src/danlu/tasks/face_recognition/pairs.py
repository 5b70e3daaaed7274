"""A list of pairs in LFW's form (Huang et al. 2007), judged on the embeddings of a run's predictions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from danlu.errors import DanluError, DataError
from danlu.messages import choose
from danlu.metrics.pairing import unit
from danlu.metrics.roc import Ranked
from danlu.metrics.verification import balanced
from danlu.tasks.face_recognition import texts


@dataclass(frozen=True)
class Judged:
    """accuracy: mean over folds, each at the threshold that the others chose; NaN for a single fold. deviation: of that mean.

    pairs: how many were judged.
    """

    accuracy: float
    deviation: float
    auc: float
    eer: float
    pairs: int
    folds: int


@dataclass(frozen=True)
class Pair:
    """first, second: (person, number of the picture). fold: from 0."""

    first: tuple[str, int]
    second: tuple[str, int]
    fold: int

    @property
    def same(self) -> bool:
        return self.first[0] == self.second[0]


def read(path: str | Path) -> list[Pair]:
    """The pairs of a file: "person 1 2" or "person 1 other 2" a line, separated by tabs or spaces.

    Its first line, where it is "folds count", says that each fold has ``count`` genuine, then as many impostor pairs; without, all are
    one fold. Raises DataError with the line.
    """
    file = Path(path)
    try:
        lines = [(number, line.split()) for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError.of(str(file), str(error)) from error
    lines = [(number, words) for number, words in lines if words]
    if not lines:
        raise DataError.of(str(file), choose(texts.NO_PAIRS))
    head = lines[0][1]
    size = 0
    if len(head) <= 2 and all(word.isdecimal() for word in head):
        size = 2 * int(head[-1]) if len(head) == 2 else 0
        lines = lines[1:]
    found = []
    for place, (number, words) in enumerate(lines):
        fold = place // size if size else 0
        match words:
            case [who, one, other] if one.isdecimal() and other.isdecimal():
                found.append(Pair((who, int(one)), (who, int(other)), fold))
            case [who, one, whom, other] if one.isdecimal() and other.isdecimal():
                found.append(Pair((who, int(one)), (whom, int(other)), fold))
            case _:
                raise DataError.of(f"{file}:{number}", choose(texts.PAIR))
    return found


def judge(predictions: str | Path, pairs: str | Path) -> Judged:
    """predictions: a Parquet file of a run with ``embedding``; a sample's id ends in PERSON/NAME_0001.jpg or PERSON/1.pgm.

    Raises DataError where a picture of a pair is not there.
    """
    table = pq.read_table(predictions, columns=["id", "embedding"])
    places: dict[tuple[str, int], int] = {}
    for row, name in enumerate(table["id"].to_pylist()):
        path = Path(name)
        number = re.search(r"(\d+)$", path.stem)
        if number is not None:
            places[path.parent.name, int(number[1])] = row
    embeddings = unit(np.asarray(table["embedding"].to_pylist(), np.float32))
    found = read(pairs)
    rows = np.asarray([[_place(places, pair.first, pairs), _place(places, pair.second, pairs)] for pair in found])
    scores = np.einsum("pd,pd->p", embeddings[rows[:, 0]], embeddings[rows[:, 1]]).astype(np.float64)
    same, folds = np.asarray([pair.same for pair in found]), np.asarray([pair.fold for pair in found])
    curves = Ranked.of(scores, same).curves()
    right = []
    for fold in np.unique(folds):
        inside = folds == fold
        threshold = math.nan
        if not inside.all():
            threshold = Ranked.of(scores[~inside], same[~inside]).curves().best_threshold()
        right.append(balanced(scores[inside] >= threshold, same[inside]) if math.isfinite(threshold) else math.nan)
    values = np.asarray(right)
    spread = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    auc, eer = float(curves.auc[0]), float(curves.eer[0])
    return Judged(float(values.mean()), spread, auc, eer, len(found), len(values))


def _place(places: dict[tuple[str, int], int], picture: tuple[str, int], file: str | Path) -> int:
    if picture not in places:
        raise _missing(file, picture)
    return places[picture]


def _missing(file: str | Path, picture: tuple[str, int]) -> DanluError:
    return DataError.of(str(file), choose(texts.NO_PICTURE).format(who=picture[0], number=picture[1]))
