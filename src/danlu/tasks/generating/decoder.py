"""What a run and an artifact that write texts have in common. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self
from zlib import crc32

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.data.text.tokenizers import Tokenizer, tokenizer_of
from danlu.tasks.decoding import Decoder, Given
from danlu.tasks.generating.search import Plan, write

STEP = "step"  # the further graph
LAST = "last"  # of a state: what the first step is given, where that is not the plan's start


class Writer(Decoder):
    """State → tokens → texts. column: of predictions, and the answer's key. tokenizer: its spec. plan: of :class:`Plan`."""

    def __init__(
        self, column: str, tokenizer: Mapping[str, Any], plan: Mapping[str, Any], moving: Sequence[str] = ()
    ) -> None:
        self.column, self.tokenizer, self.moving = column, dict(tokenizer), tuple(moving)
        self.plan = Plan(**{**plan, "banned": tuple(plan.get("banned", ()))})
        self.words: Tokenizer = tokenizer_of(tokenizer)

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        raise NotImplementedError(f"{cls.__name__} is made by its task")

    def spec(self) -> dict[str, Any]:
        plan = {**asdict(self.plan), "banned": list(self.plan.banned)}
        return {"column": self.column, "tokenizer": self.tokenizer, "plan": plan, "moving": list(self.moving)}

    def run(self, outputs: Any, inputs: Mapping[str, Given], graphs: Mapping[str, Callable[..., Any]]) -> Any:
        state = {name: value for name, value in outputs.items() if name != LAST}
        count = len(next(iter(state.values())))
        given: Any = next(iter(inputs.values()))
        step = GraphStep(graphs[STEP], self.moving)
        return written(*write(step, state, count, self.plan, outputs.get(LAST), keys_of(*given)))

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        tokens, lengths = np.asarray(outputs["tokens"]), np.asarray(outputs["lengths"])
        texts = np.empty(len(tokens), object)
        texts[:] = [self.words.decode(row[:size].tolist()) for row, size in zip(tokens, lengths.tolist(), strict=True)]
        return {self.column: texts}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{column: the text}"""
        return {self.column: str(predictions[self.column][index])}


class GraphStep:
    """:class:`danlu.tasks.generating.search.Step` by a graph, which is called with tokens and state: logits, and what has changed."""

    def __init__(self, graph: Callable[..., Any], moving: tuple[str, ...]) -> None:
        self.graph, self.moving = graph, moving

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        found = self.graph({"tokens": tokens, **state})
        return found["logits"], {**state, **found["state"]}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def keys_of(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """int64 (B,): of each text's ids, by which it draws, so that it draws the same alone and in any batch."""
    rows = zip(np.asarray(values, np.int32), np.asarray(sizes).reshape(-1).tolist(), strict=True)
    return np.asarray([crc32(row[:size].tobytes()) for row, size in rows], np.int64)


def written(tokens: Sequence[np.ndarray], scores: np.ndarray) -> dict[str, np.ndarray]:
    """{"tokens" int64 (B, T), padded by zeros; "lengths" int64 (B,); "score" float32 (B,)}."""
    lengths = np.asarray([len(each) for each in tokens], np.int64)
    block = np.zeros((len(tokens), int(lengths.max(initial=1))), np.int64)
    for row, each in zip(block, tokens, strict=True):
        row[: len(each)] = each
    return {"tokens": block, "lengths": lengths, "score": np.asarray(scores, np.float32)}


def unwritable(words: Tokenizer) -> tuple[int, ...]:
    """Ids of a tokenizer that is no published net's that no text holds: a net that wrote "unknown" would say nothing."""
    return () if getattr(words, "whole", False) else tuple(sorted(words.special - {words.end}))
