"""From logits to words, in numpy: how well hidden ones are found, or what would fill a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.data.text.tokenizers import Tokenizer, tokenizer_of
from danlu.tasks.decoding import Decoder, Given

_BEST = 5


class FillDecoder(Decoder):
    """tokenizer: its spec.

    Where hidden places are known (training, judging): nats float64 (B,), hits and hidden int64 (B,), sums over each text's. Else for a
    text with gaps: place, token and probability of the five best for each gap.
    """

    def __init__(self, tokenizer: Mapping[str, Any]) -> None:
        self.tokenizer = tokenizer
        self.words: Tokenizer = tokenizer_of(tokenizer)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls(kinds["text"].tokenizer)  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        return {"tokenizer": dict(self.tokenizer)}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        logits = np.asarray(outputs)
        if "wanted" in inputs:
            wanted = np.asarray(inputs["wanted"])
            known = wanted >= 0
            given = np.take_along_axis(logits, np.maximum(wanted, 0)[:, :, None], 2)[:, :, 0].astype(np.float64)
            nats = np.where(known, _log_sum(logits) - given, 0.0).sum(1)
            hits = (known & (logits.argmax(2) == wanted)).sum(1)
            return {"nats": nats, "hits": hits.astype(np.int64), "hidden": known.sum(1).astype(np.int64)}
        text, sizes = inputs["text"]
        best: list[np.ndarray] = []
        shares: list[np.ndarray] = []
        filled: list[np.ndarray] = []
        for row, size, scores in zip(text, sizes[:, 0], logits, strict=True):
            ids = np.asarray(row[: int(size)], np.int64).copy()
            gaps = np.flatnonzero(ids == self.words.mask)
            some = scores[gaps].astype(np.float64)
            some[:, sorted(self.words.special)] = -np.inf  # no text holds them
            order = np.argsort(-some, axis=1, kind="stable")[:, :_BEST]
            chance = np.exp(np.take_along_axis(some, order, 1) - _log_sum(some)[:, None])
            ids[gaps] = order[:, 0] if len(gaps) else ids[gaps]
            best.append(order.astype(np.int64))
            shares.append(chance.astype(np.float32))
            filled.append(ids)
        return {"token": best, "probability": shares, "filled": filled}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"filled": the text, "gaps": for each gap [[word, probability], …]}; of what was judged, its figures."""
        if "filled" not in predictions:
            return super().answer(predictions, index, framing)
        rows = zip(predictions["token"][index], predictions["probability"][index], strict=True)
        return {
            "filled": self.words.decode(np.asarray(predictions["filled"][index]).tolist()),
            "gaps": [
                [
                    [self.words.pieces([int(token)])[0].strip(), round(float(share), 6)]
                    for token, share in zip(tokens, chances, strict=True)
                ]
                for tokens, chances in rows
            ],
        }


def _log_sum(logits: np.ndarray) -> np.ndarray:
    """Over the last dimension, in float64."""
    values = logits.astype(np.float64)
    if not values.size:
        return np.zeros(values.shape[:-1])
    most = values.max(-1, keepdims=True)
    found: np.ndarray = (most + np.log(np.exp(values - most).sum(-1, keepdims=True)))[..., 0]
    return found
