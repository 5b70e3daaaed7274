"""Members' logits → probabilities of classes. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from danlu.tasks.decoding import ByTarget, Given, softmax
from danlu.tasks.tables.averaging import mean_of


class ClassDecoder(ByTarget):
    """Outputs (B, members, K) → the mean of the members' probabilities, and the most probable class."""

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        return super().decode(np.log(np.maximum(mean_of(outputs, softmax), np.finfo(np.float32).tiny)), inputs)
