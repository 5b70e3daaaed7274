"""What a recipe may say of a table: ``options.features``. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from danlu.recipe.frozen import FrozenDict
from danlu.recipe.schema import Count, Name, Section

TRAIN: Mapping[str, Any] = {  # how every application to tables learns by itself, but for its loss and its epochs
    "batch_size": 128,
    "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 3e-4},
    "schedule": "one-cycle",
    "clip_norm": 1.0,
}

Type = Literal["number", "category", "date", "boolean", "text", "id"]


class FeaturesSection(Section):
    """How the columns of a table are read. All is learnt from training rows alone."""

    ignore: tuple[Name, ...] = Field((), description="Columns that are left out")
    types: dict[str, Type] = Field(
        default_factory=FrozenDict, description="Column → its type, where it is told wrongly"
    )
    missing: Literal["median", "mean", "most-frequent", "constant", "drop"] = Field(
        "median",
        description="What stands for a missing value; a missing category is one of its own unless most-frequent or constant",
    )
    fill: Any = Field(None, description="The value of missing: constant")
    indicator: bool = Field(True, description="A number more says that a value was missing, where any was")
    scale: Literal["quantile", "standard", "minmax", "robust", "none"] = Field(
        "quantile", description="How numbers are scaled; quantile: to a normal distribution"
    )
    lags: dict[str, tuple[Count, ...]] = Field(
        default_factory=FrozenDict,
        description="Column → steps back in data.split.time; what it held then becomes columns, its present value is left out; "
        "value: the target itself",
    )
    min_count: Count = Field(5, description="Training rows that a category needs; rarer and unseen ones share a place")


class Options(Section):
    """Options of the applications to tables."""

    features: FeaturesSection = Field(FeaturesSection(), description="How the columns of the table are read")


class RegressionOptions(Options):
    """Options of a regression."""

    level: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(
        0.9,
        description="Share of new rows that an answer's interval is to hold, by the residuals of the validation part",
    )
