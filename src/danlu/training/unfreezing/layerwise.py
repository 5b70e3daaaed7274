from __future__ import annotations

from typing import Annotated

from pydantic import Field

Factor = Annotated[float, Field(gt=0.0, le=1.0)]


class Layerwise:
    """Everything learns; each stage at ``decay`` times the rate of the one above it (Clark et al. 2020, ELECTRA; guide section 12).

    backbone: a further factor of everything below the head: ``{decay: 1, backbone: 0.1}`` is one smaller rate for the whole backbone.
    """

    patience: int | None = None

    def __init__(self, decay: Factor = 0.75, backbone: Factor = 1.0) -> None:
        self.decay = decay
        self.backbone = backbone

    def learning(self, share: float, plateaus: int, stages: int) -> int:
        return stages

    def rate(self, stage: int) -> float:
        return self.decay**stage * (self.backbone if stage else 1.0)
