from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.training.unfreezing.layerwise import Factor


class Gradual:
    """The head learns first, then more and more of the stages below it (Howard and Ruder 2018, ULMFiT; guide section 12).

    until: share of the training's steps after which everything learns; the stages thaw at equal distances. on: "plateau" thaws the
    next when the monitored metric did not improve for ``patience`` evaluations, and what is left at ``until``.
    groups: into how many steps of thawing the stages are put together; None: each is one. decay: as for ``layerwise``.
    """

    def __init__(
        self,
        until: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5,
        on: Literal["steps", "plateau"] = "steps",
        patience: Annotated[int, Field(ge=1)] = 1,
        groups: Annotated[int, Field(ge=1)] | None = None,
        decay: Factor = 1.0,
    ) -> None:
        self.until = until
        self.patience = patience if on == "plateau" else None
        self.groups = groups
        self.decay = decay

    def learning(self, share: float, plateaus: int, stages: int) -> int:
        if share >= self.until:
            return stages
        below = stages - 1
        groups = min(self.groups or below, below)
        if not groups:
            return stages
        thawed = min(plateaus, groups) if self.patience else int(share / self.until * groups + 1e-9)
        return 1 + round(below * thawed / groups)

    def rate(self, stage: int) -> float:
        return self.decay**stage
