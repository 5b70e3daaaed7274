"""What a baseline is, and the samples it sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import Kind

Tell = Callable[[int, int], None]  # (done, total) of the work in hand


@dataclass(frozen=True)
class Sample:
    """Some rows of a part, small enough to be held.

    inputs: column → reduced values (:mod:`danlu.tasks.baselines.reduced`): images uint8 (N, h, w, C) of at most 32 × 32, numbers
    float32 (N,), categories int64 (N,); columns of other kinds are not there. sizes: image column → int64 (N, 2), height and
    width before that. targets: column → ndarray (N, …) or a list of N ndarrays, as metrics see them. rows: int64 (N,).
    """

    inputs: Mapping[str, np.ndarray]
    sizes: Mapping[str, np.ndarray]
    targets: Mapping[str, Any]
    kinds: Mapping[str, Kind]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: np.ndarray) -> Sample:
        """The samples at int64 ``places``."""

        def some(values: Any) -> Any:
            return values[places] if isinstance(values, np.ndarray) else [values[place] for place in places]

        return Sample(
            {name: some(values) for name, values in self.inputs.items()},
            {name: some(values) for name, values in self.sizes.items()},
            {name: some(values) for name, values in self.targets.items()},
            self.kinds,
            self.rows[places],
        )


class Baseline(ABC):
    """Fitted once, on training rows alone; deterministic."""

    name: ClassVar[str]
    remembers: ClassVar[bool] = (
        False  # gains much from duplicates on both sides of a split: asked what it would claim with them
    )

    @abstractmethod
    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        """train: what is learnt from. held: other samples, by which settings may be chosen; may be empty.

        asked: how many samples will be asked about, so that the work can be bounded.
        """

    @abstractmethod
    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        """Prediction columns, as the task's ``decode`` gives them.

        For a category "probability" float32 (N, K) and "label" int64 (N,); for a number "value" float32 (N,): they are renamed
        where the task's own column has another name.
        """

    def settings(self) -> dict[str, Any]:
        """What was chosen when fitting, JSON-able."""
        return {}


def classes_answer(probability: np.ndarray) -> dict[str, Any]:
    """probability: (N, K), rows that sum to 1."""
    return {"probability": probability.astype(np.float32), "label": probability.argmax(1).astype(np.int64)}
