"""What recipes say of how texts are written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from danlu.recipe.schema import Section

UNUSED = (  # keys that mean nothing where texts are written
    "train.loss",
    "evaluate.views",
    "evaluate.thresholds",
    "data.augment",
    "data.balance",
    "data.normalize",
    "model.drop_path",
    "model.norm",
)


class Writing(Section):
    """Options of an application that writes."""

    beams: Annotated[int, Field(ge=1, le=64, description="texts kept at each step of beam search; 1: greedy")] = 1
    length_penalty: Annotated[
        float, Field(ge=-5.0, le=5.0, description="a text's log-probability is divided by its length to this power")
    ] = 1.0
    early_stopping: Annotated[
        bool | Literal["never"],
        Field(description="end when all beams have ended; never: only when no better text is possible"),
    ] = False
    temperature: Annotated[
        float, Field(ge=0.0, le=10.0, description="0: the likeliest; above: tokens are drawn, 1 as the net says")
    ] = 0.0
    top_k: Annotated[int, Field(ge=0, description="draw among so many of the likeliest tokens; 0: all")] = 0
    top_p: Annotated[float, Field(gt=0.0, le=1.0, description="draw among the fewest tokens that hold this share")] = (
        1.0
    )
    label_smoothing: Annotated[
        float, Field(ge=0.0, lt=1.0, description="share of each target that is spread over all tokens")
    ] = 0.1


def searching(options: Any) -> dict[str, Any]:
    """Of a recipe's options what :class:`danlu.tasks.generating.search.Plan` takes."""
    names = ("beams", "length_penalty", "early_stopping", "temperature", "top_k", "top_p")
    return {name: options[name] for name in names}
