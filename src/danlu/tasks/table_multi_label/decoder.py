"""Members' logits → a probability and a yes or no for every label. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from danlu.tasks.decoding import Given
from danlu.tasks.image_multi_label.decoder import LabelsDecoder, log_odds, sigmoid
from danlu.tasks.tables.averaging import mean_of


class SetsDecoder(LabelsDecoder):
    """Outputs (B, members, K) → the mean of the members' probabilities of each label."""

    def decode(self, outputs: Any, inputs: Mapping[str, Given]) -> dict[str, Any]:
        return super().decode(log_odds(mean_of(outputs, sigmoid)).astype(np.float32), inputs)
