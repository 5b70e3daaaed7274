"""What a lesson is asked: few numbers, each in its range; anything else is refused before torch sees it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Asked(BaseModel):
    """The base of every lesson's controls."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
