"""Logits → a probability and a yes or no for every label. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.metrics import thresholds
from danlu.tasks.decoding import Decoder, Given

_LISTED = 5


class LabelsDecoder(Decoder):
    """Outputs (B, K) → ``probability`` float32 (B, K), of each label by itself, and ``labels`` uint8 (B, K), which are found.

    classes: K names, in order. offsets: K numbers; a label is found where its logit plus its offset is above 0. Probabilities stay as
    they are: only decisions move.
    """

    decides = "labels"
    moves_probability = False

    def __init__(self, classes: Sequence[str], offsets: Sequence[float] | None = None) -> None:
        self.classes = tuple(classes)
        self.offsets = None if offsets is None else np.asarray(offsets, np.float32)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls(kinds["labels"].classes)  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        made: dict[str, Any] = {"classes": list(self.classes)}
        return made if self.offsets is None else made | {"offsets": self.offsets.tolist()}

    def moved(self, offsets: Sequence[float]) -> Self:
        return type(self)(self.classes, offsets)

    def tuned(self, predictions: Mapping[str, np.ndarray], truth: np.ndarray, metric: str) -> thresholds.Tuned:
        return thresholds.tuned_each(log_odds(predictions["probability"]), truth, metric)

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        found = (outputs if self.offsets is None else outputs + self.offsets) > 0
        return {"probability": sigmoid(outputs), "labels": found.astype(np.uint8)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"labels": names found, the most probable first, "top": up to five [label, probability], found or not}."""
        probability, found = predictions["probability"][index], predictions["labels"][index]
        order = np.argsort(-probability, kind="stable").tolist()
        return {
            "labels": [self.classes[place] for place in order if found[place]],
            "top": [[self.classes[place], round(float(probability[place]), 6)] for place in order[:_LISTED]],
        }


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """float32, without overflow."""
    small = np.exp(-np.abs(logits))
    probability: np.ndarray = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    return probability.astype(np.float32)


def log_odds(probability: np.ndarray) -> np.ndarray:
    """float64: the inverse of :func:`sigmoid`; ±88 where the probability is 0 or 1."""
    wide = np.asarray(probability, np.float64)
    tiny = np.finfo(np.float32).tiny
    found: np.ndarray = np.log(np.maximum(wide, tiny)) - np.log(np.maximum(1 - wide, tiny))
    return found
