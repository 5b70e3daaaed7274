"""What a model of ratings must beat: how an item is rated, and how a user rates."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.dataset import Dataset
from danlu.large.arrays import Growing, blocks
from danlu.tasks.baselines.base import Baseline, Sample, Tell

_ITEM, _USER = 10.0, 15.0  # ratings of the mean's own that are counted in, as Surprise's baseline (Koren 2010)
_ROUNDS = 10


class Biases(Baseline):
    """mean + the user's deviation + the item's, shrunk where there are few ratings, fitted in turn on all training rows."""

    name = "biases"

    def __init__(self, data: Dataset) -> None:
        self._data = data

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        user, item, rating = (self._column(name) for name in ("user", "item", "rating"))
        self.mean = float(rating.mean(dtype=np.float64))
        self.user = np.zeros(len(self._data.kinds["user"].names) + 1)  # type: ignore[attr-defined]
        self.item = np.zeros(len(self._data.kinds["item"].names) + 1)  # type: ignore[attr-defined]
        for _ in range(_ROUNDS):
            for own, place, other, at, shrink in (
                (self.item, item, self.user, user, _ITEM),
                (self.user, user, self.item, item, _USER),
            ):
                sums, many = np.zeros(len(own) - 1), np.zeros(len(own) - 1, np.int64)
                for some in blocks(len(rating), user, item, rating):
                    np.add.at(sums, place[some], rating[some] - self.mean - other[at[some]])
                    many += np.bincount(place[some], minlength=len(many))
                own[:-1] = sums / (many + shrink)

    def _column(self, name: str) -> np.ndarray:
        """(N,): of all training rows."""
        rows = self._data.parts["train"]
        made = Growing(self._data.kinds[name].storage().dtype)
        for some in blocks(len(rows), rows):
            made.append(np.asarray(self._data.store.gather(name, rows[some])).reshape(-1))
        return made.done()

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        user, item = sample.inputs["user"], sample.inputs["item"]  # -1 is the last place, which is 0
        return {"value": (self.mean + self.user[user] + self.item[item]).astype(np.float32)}
