"""Which class was taken for which, and which samples stand in each cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from danlu.evaluation.predictions import ClassPredictions


@dataclass(frozen=True)
class Confusion:
    """matrix: int64 (K, K), rows are true classes, columns predicted ones; as scikit-learn's ``confusion_matrix``."""

    predictions: ClassPredictions
    matrix: np.ndarray

    @property
    def classes(self) -> tuple[str, ...]:
        return self.predictions.classes

    @cached_property
    def _by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        """(samples sorted by cell and in it by falling probability of the answer, where each cell begins (K² + 1,))."""
        answers, size = self.predictions.answers, len(self.classes)
        cell = answers.true * size + answers.predicted
        order = np.lexsort((-answers.sure, cell))
        return order, np.searchsorted(cell[order], np.arange(size * size + 1))

    def rows(self, true: int, predicted: int) -> np.ndarray:
        """int64: places of the samples in a cell, the surest answer first; of equals the earlier sample."""
        order, begin = self._by_cell
        cell = true * len(self.classes) + predicted
        return np.asarray(order[begin[cell] : begin[cell + 1]])

    def ids(self, true: int, predicted: int, most: int | None = None) -> list[str]:
        """Ids of the samples in a cell, the surest answer first."""
        return [self.predictions.ids[row] for row in self.rows(true, predicted)[:most]]

    def as_dict(self, most: int = 24) -> dict[str, Any]:
        """JSON-able: classes, matrix, and each filled cell with at most ``most`` ids, the fullest wrong one first."""
        filled = [(int(self.matrix[true, predicted]), true, predicted) for true, predicted in np.argwhere(self.matrix)]
        filled.sort(key=lambda cell: (cell[1] == cell[2], -cell[0], cell[1], cell[2]))
        cells = [
            {
                "true": self.classes[true],
                "predicted": self.classes[predicted],
                "count": count,
                "ids": self.ids(true, predicted, most),
            }
            for count, true, predicted in filled
        ]
        return {"classes": list(self.classes), "matrix": self.matrix.tolist(), "cells": cells}


def confusion(predictions: ClassPredictions) -> Confusion:
    answers, size = predictions.answers, len(predictions.classes)
    counts = np.bincount(answers.true * size + answers.predicted, minlength=size * size)
    return Confusion(predictions, counts.reshape(size, size))
