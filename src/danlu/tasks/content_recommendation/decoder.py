"""Scores of all items → the best that were not met, each with the words and tags that speak for it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.data.tabular.content import Content
from danlu.tasks.decoding import Given
from danlu.tasks.item_recommendation.decoder import JUDGED, TopItems

REASONS = 3
_TELLING = 1 + np.log(2)  # idf of a term that half of the items have: those that more have are no reason


class ExplainedItems(TopItems):
    """As :class:`TopItems`; and ``because`` int32 (B, 3·k): of each item the terms that it shares with what the user met, those first
    that add most to the cosine of the item's TF·IDF with the sum of theirs; -1 behind them.
    """

    def __init__(
        self, names: Sequence[str], titles: Sequence[str], k: int, shown: int, content: Mapping[str, Any]
    ) -> None:
        super().__init__(names, titles, k, shown)
        self.content = Content(**{name: tuple(value) for name, value in content.items()})
        self._own: dict[
            int, tuple[np.ndarray, np.ndarray]
        ] = {}  # item → its terms and their weights, once they were asked for
        self._telling = np.asarray(self.content.idf) > _TELLING

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        item: Any = kinds["item"]
        return cls(item.names, item.titles, max(JUDGED, *options["k"]), max(options["k"]), vars(item.known))

    def spec(self) -> dict[str, Any]:
        made = self.content
        content = {
            "terms": list(made.terms),
            "idf": list(made.idf),
            "rows": [list(row) for row in made.rows],
            "numbers": [],
            "number_names": list(made.number_names),
        }
        return {**super().spec(), "content": content}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        found = super().decode(outputs, inputs)
        because = np.full((len(found["user"]), REASONS * found["items"].shape[1]), -1, np.int32)
        known: dict[bytes, np.ndarray] = {}
        for row, (seen, items) in enumerate(zip(outputs["seen"], found["items"], strict=True)):
            key = seen.tobytes() + items.tobytes()
            if key not in known:
                known[key] = self.reasons(seen[seen >= 0], items)
            because[row] = known[key]
        return {**found, "because": because}

    def reasons(self, seen: np.ndarray, items: np.ndarray) -> np.ndarray:
        """int32 (3·k,): terms of ``items`` (k,), -1 for none, that ``seen`` items share."""
        profile = np.zeros(len(self.content.terms))
        for item in seen.tolist():
            places, weights = self._weighed(item)
            profile[places] += weights
        found = np.full((len(items), REASONS), -1, np.int32)
        for row, item in enumerate(items.tolist()):
            if item < 0:
                continue
            places, weights = self._weighed(item)
            shares = weights * profile[places] * self._telling[places]
            best = np.argsort(-shares, kind="stable")[:REASONS]
            best = best[shares[best] > 0]
            found[row, : len(best)] = places[best]
        return found.reshape(-1)

    def _weighed(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        if item not in self._own:
            self._own[item] = self.content.weighed(item)
        return self._own[item]

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"items": [{"id", "title" (where known), "score", "because": [terms]}, …], "known": whether the user or item is}."""
        because = np.asarray(predictions["because"][index]).reshape(-1, REASONS)
        shown: list[dict[str, Any]] = []
        both = zip(predictions["items"][index], predictions["scores"][index], because, strict=True)
        for item, score, terms in both:
            if item >= 0 and len(shown) < self.shown:
                title = {"title": self.titles[item]} if self.titles else {}
                reasons = [self.content.terms[term] for term in terms.tolist() if term >= 0]
                shown.append(
                    {"id": self.names[item], **title, "score": float(f"{float(score):.6g}"), "because": reasons}
                )
        return {"items": shown, "known": bool(predictions["user"][index] != -1)}
