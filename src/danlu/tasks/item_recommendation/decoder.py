"""Scores of all items → the best that were not met. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.tasks.decoding import Decoder, Given

JUDGED = 10  # at which every recommender is judged, whatever else is asked for


class TopItems(Decoder):
    """Outputs {"scores": (B, M), "seen": (B, L)} → ``user`` int64 (B,), ``items`` int32 (B, k), best first, ``scores`` float32 (B, k).

    Items that were seen are never among them; -1 and -inf where fewer than k are left. names, titles: of the M items. shown: how many
    of the k an answer holds.
    """

    def __init__(self, names: Sequence[str], titles: Sequence[str], k: int, shown: int) -> None:
        self.names, self.titles, self.k, self.shown = tuple(names), tuple(titles), int(k), int(shown)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        item: Any = kinds["item"]
        return cls(item.names, item.titles, max(JUDGED, *options["k"]), max(options["k"]))

    def spec(self) -> dict[str, Any]:
        return {"names": list(self.names), "titles": list(self.titles), "k": self.k, "shown": self.shown}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        user = np.asarray(inputs["user"], np.int64)
        asked = np.asarray(inputs["part"] if "part" in inputs else np.zeros_like(user))
        _, first, place = np.unique(np.stack([user, asked]), axis=1, return_index=True, return_inverse=True)
        items, scores = best(outputs["scores"][first], outputs["seen"][first], self.k)
        place = place.reshape(-1)
        return {"user": user, "items": items[place], "scores": scores[place]}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"items": [[id, score], …]}, or [id, title, score] where titles are known; "known": whether the user was learnt from."""
        shown: list[list[Any]] = []
        for item, score in zip(predictions["items"][index], predictions["scores"][index], strict=True):
            if item >= 0 and len(shown) < self.shown:
                title = [self.titles[item]] if self.titles else []
                shown.append([self.names[item], *title, float(f"{float(score):.6g}")])
        return {"items": shown, "known": bool(predictions["user"][index] >= 0)}


def best(scores: np.ndarray, seen: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(int32 (B, k) places of the largest scores (B, M), without those ``seen`` (B, L); their scores float32 (B, k))."""
    count, items = scores.shape
    open_ = np.full((count, items + 1), -np.inf, np.float32)
    open_[:, :items] = scores
    np.put_along_axis(open_, np.where(seen >= 0, seen, items), -np.inf, axis=1)
    open_ = open_[:, :items]
    some = np.argpartition(-open_, k - 1, axis=1)[:, :k] if k < items else np.tile(np.arange(items), (count, 1))
    values = np.take_along_axis(open_, some, axis=1)
    order = np.lexsort((some, -values), axis=1)
    some, values = np.take_along_axis(some, order, axis=1), np.take_along_axis(values, order, axis=1)
    some = np.where(np.isneginf(values), -1, some)
    short = max(0, k - items)
    some = np.pad(some, ((0, 0), (0, short)), constant_values=-1)
    return some.astype(np.int32), np.pad(values, ((0, 0), (0, short)), constant_values=-np.inf)
