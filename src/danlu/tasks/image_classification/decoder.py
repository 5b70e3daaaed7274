"""Logits → label, probability and the most probable classes. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.tasks.decoding import Decoder, Given, ranked, softmax


class LabelDecoder(Decoder):
    """Outputs (B, K) → ``probability`` float32 (B, K) and ``label`` int64 (B,). classes: K names, in order. offsets: see ``moved``."""

    decides = "label"

    def __init__(self, classes: Sequence[str], offsets: Sequence[float] | None = None) -> None:
        self.classes = tuple(classes)
        self.offsets = None if offsets is None else np.asarray(offsets, np.float32)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls(kinds["label"].classes)  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        made: dict[str, Any] = {"classes": list(self.classes)}
        return made if self.offsets is None else made | {"offsets": self.offsets.tolist()}

    def moved(self, offsets: Sequence[float]) -> Self:
        return type(self)(self.classes, offsets)

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        probability = softmax(outputs if self.offsets is None else outputs + self.offsets)
        return {"probability": probability, "label": probability.argmax(axis=1)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"label", "probability", "top": up to five [label, probability]}."""
        best = ranked(predictions["probability"][index], self.classes)
        return {"label": best[0][0], "probability": best[0][1], "top": best}
