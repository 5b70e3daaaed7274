"""Tokens behind a text → its continuation. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from danlu.data.kinds.base import Framing
from danlu.tasks.decoding import Given
from danlu.tasks.generating.decoder import Writer


class Continuation(Writer):
    """The prediction column ``continuation`` is what follows the text, with the space between."""

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        tokens, lengths = np.asarray(outputs["tokens"]), np.asarray(outputs["lengths"]).tolist()
        given, sizes = inputs["text"]
        texts = np.empty(len(tokens), object)
        for row, (new, length) in enumerate(zip(tokens, lengths, strict=True)):
            before = np.asarray(given[row])[: int(np.asarray(sizes).reshape(-1)[row]) - 1].tolist()
            whole, told = self.words.decode([*before, *new[:length].tolist()]), self.words.decode(before)
            texts[row] = whole[len(told) :] if whole.startswith(told) else self.words.decode(new[:length].tolist())
        return {self.column: texts}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"continuation": what follows}"""
        return {self.column: str(predictions[self.column][index])}
