"""Logits → label, probability and the most probable classes. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from danlu.data.kinds.base import Framing, Kind
from danlu.tasks.decoding import Decoder, Given, ranked, softmax


class LabelDecoder(Decoder):
    """Outputs (B, K) → ``probability`` float32 (B, K) and ``label`` int64 (B,). classes: K names, in order."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls(kinds["label"].classes)  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes)}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        probability = softmax(outputs)
        return {"probability": probability, "label": probability.argmax(axis=1)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"label", "probability", "top": up to five [label, probability]}."""
        best = ranked(predictions["probability"][index], self.classes)
        return {"label": best[0][0], "probability": best[0][1], "top": best}
