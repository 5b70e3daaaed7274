"""The predictions of a net or a baseline on one part, reduced to what is looked at; memory doesn't grow with the classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.metrics.answers import Answers, known
from danlu.runs.stored import Stored

Blocks = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]
"""→ (int64 (B,) places in ``ids``, float (B, K) probabilities) block by block, in order."""


@dataclass(frozen=True)
class ClassPredictions:
    """N samples with a known label. ids: in the order of ``answers``. classes: K names. blocks: the probabilities, from disk.

    part: "train", "val", "test", … in_sample: the net has learnt from these samples, so that its answers are too good.
    """

    ids: Sequence[str]
    classes: tuple[str, ...]
    answers: Answers
    blocks: Blocks
    part: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_sample(self) -> bool:
        return self.part == "train"

    @classmethod
    def of(
        cls, ids: Sequence[str], probability: np.ndarray, label: np.ndarray, classes: Sequence[str], part: str = ""
    ) -> ClassPredictions:
        """From arrays: probability (N, K), label (N,); samples without a label (negative) are left out."""
        probability, kept = np.asarray(probability), np.flatnonzero(known(label))
        probability = probability[kept]
        answers = Answers.of(probability, np.asarray(label)[kept])
        place = np.arange(len(kept))
        return cls(
            [ids[row] for row in kept.tolist()], tuple(classes), answers, lambda: iter([(place, probability)]), part
        )


@dataclass(frozen=True)
class NumberPredictions:
    """N samples with a known number: true, predicted float64 (N,)."""

    ids: Sequence[str]
    true: np.ndarray
    predicted: np.ndarray
    part: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def residual(self) -> np.ndarray:
        """float64 (N,): predicted - true."""
        return np.asarray(self.predicted - self.true)


Predictions = ClassPredictions | NumberPredictions


def of_file(path: Path, columns: dict[str, Any], part: str = "") -> Predictions | None:
    """Predictions in one file. columns: what ``data/columns.json`` says. None: see :func:`read`."""
    stored = Stored(path)
    for target in columns["targets"]:
        kind = columns["kinds"][target]
        if target not in stored.truths:
            continue
        if kind["kind"] == "category" and not kind["spec"].get("unseen"):
            classes = tuple(kind["spec"]["classes"])
            wide = [name for name in stored.predictions if stored.is_list(name)]
            if len(wide) == 1:
                return _classes(stored, target, wide[0], classes, part)
        if kind["kind"] == "number":
            numbers = [name for name in stored.predictions if not stored.is_list(name)]
            if len(numbers) == 1:
                return _numbers(stored, target, numbers[0], part)
    return None


def _classes(stored: Stored, target: str, column: str, classes: tuple[str, ...], part: str) -> ClassPredictions:
    true = f"true/{target}"

    def every() -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
        for block in stored.blocks(("id", true, column)):
            label, probability = np.asarray(block[true]), block[column]
            kept = np.flatnonzero(known(label))
            yield [block["id"][row] for row in kept.tolist()], label[kept], np.asarray(probability)[kept]

    ids: list[str] = []
    found = []
    for some, label, probability in every():
        ids += some
        found.append(Answers.of(probability, label))

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = 0
        for some, _, probability in every():
            yield np.arange(start, start + len(some)), probability
            start += len(some)

    return ClassPredictions(ids, classes, Answers.joined(found, len(classes)), blocks, part)


def _numbers(stored: Stored, target: str, column: str, part: str) -> NumberPredictions:
    true = np.asarray(stored.column(f"true/{target}"), np.float64)
    predicted = np.asarray(stored.column(column), np.float64)
    kept = np.flatnonzero(~np.isnan(true))
    ids = stored.ids()
    return NumberPredictions([ids[row] for row in kept.tolist()], true[kept], predicted[kept], part)
