"""The net's outputs → the embedding. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from danlu.data.kinds.base import Framing, Kind
from danlu.tasks.decoding import Decoder, Given


class EmbeddingDecoder(Decoder):
    """Outputs {"embedding": (B, D), …} → ``embedding`` float32 (B, D), as it is: what a probe or another net's head would see."""

    @classmethod
    def of(cls, kinds: Mapping[str, Kind], targets: Sequence[str], options: Mapping[str, Any]) -> Self:
        return cls()

    def spec(self) -> dict[str, Any]:
        return {}

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        return {"embedding": np.asarray(outputs["embedding"], np.float32)}

    def answer(self, predictions: Mapping[str, Any], index: int, framing: Framing | None = None) -> dict[str, Any]:
        """{"embedding": D numbers with seven digits}."""
        return {"embedding": [float(f"{value:.7g}") for value in predictions["embedding"][index]]}
