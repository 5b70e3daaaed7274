"""What click prediction says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.data.tabular.hashing import MOST_BUCKETS
from danlu.recipe.schema import Name, Section
from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.interactions.columns import TIME, USER
from danlu.tasks.tables.options import FeaturesSection

CLICK = ("clicked", "clicks", "label", "target", "isclick", "y", "点击", "是否点击")
GROUPS = {
    "classes": ("…", "?"),
    "unseen": True,
}  # by a hash of their names: they are told apart, never learnt or listed

EXAMPLE = """\
# Who saw what becomes the probability of a click: impressions.csv with a column click
task: click-prediction
seed: 0
data:
  source: ./impressions.csv       # also .parquet, .jsonl, .inter, or Criteo's tab-separated files
  # columns: {click: bought, group: customer, time: shown_at}   # the file's own names, where they differ
  split: {val: 0.1, test: 0.1}    # by time where a column says when; else at random
model:
  name: deepfm                    # fm | dcnv2 | logistic | tabm | mypackage.mymodule:MyNet
train:
  epochs: 10
  early_stop: {monitor: val/log-loss, patience: 2}
options:
  negatives: 1.0                  # share of the rows without a click that is learnt from; probabilities are put right
  features:
    min_count: 5                  # rarer ids share a place
    hash_above: 1000000           # columns of more ids are hashed
    scale: log                    # quantile | standard | buckets | …
    # crosses: [[user, item]]
"""


class ClickFeatures(FeaturesSection):
    """How the columns of an impression are read. All is learnt from training rows alone."""

    scale: Literal["quantile", "standard", "minmax", "robust", "log", "buckets", "none"] = Field(  # type: ignore[assignment]
        "quantile",
        description="How numbers are scaled; log: sign(x)·log(1 + |x|); buckets: as categories, by their quantiles",
    )
    ids: Literal["category", "leave-out"] = Field(
        "category", description="What is done with columns that look like ids"
    )
    hash_above: Annotated[int, Field(ge=1)] | None = Field(
        1_000_000, description="Values from which on a category is hashed instead of listed; null: never"
    )
    buckets: Annotated[int, Field(ge=2, le=MOST_BUCKETS)] = Field(
        1 << 18, description="Codes of a hashed category, and of each cross"
    )
    number_buckets: Annotated[int, Field(ge=2, le=1024)] = Field(32, description="Buckets of each number")
    crosses: tuple[tuple[Name, ...], ...] = Field((), description="Columns whose values together are one more category")


class Options(Section):
    """Options of click prediction."""

    features: ClickFeatures = Field(ClickFeatures(), description="How the columns of an impression are read")
    negatives: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="Share of training rows without a click that are kept; log(share) is added to every logit, which makes the "
        "probabilities those of all rows",
    )
    recalibrate: bool = Field(
        False, description="Slope and intercept of the logits are found on the validation part (Platt scaling)"
    )
    positive: Name | None = Field(
        None, description="The answer that is a click; null: the second in order (1, yes, true)"
    )
    sparse: Annotated[
        bool | Literal["auto"],
        Field(description="gradients of the batch's rows alone; auto: where the optimizer is made for them"),
    ] = "auto"


SPEC = TaskSpec(
    name="click-prediction",
    title=("Click prediction", "点击率预估"),
    columns={
        "features": Column("features", "input"),
        "click": Column("category", "target", also=CLICK),
        "group": Column("category", "target", GROUPS, optional=True, also=USER, shared=True),
        "time": Column("moment", "aside", optional=True, also=TIME),
    },
    task="danlu.tasks.click_prediction.task:ClickPrediction",
    decoder="danlu.tasks.click_prediction.decoder:ClickDecoder",
    monitor=("val/log-loss", -1),
    defaults={
        "model": {"name": "deepfm"},
        "data": {"duplicates": "keep"},
        "train": {
            "epochs": 10,
            "batch_size": 1024,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.0},
            "schedule": "constant",
            "loss": {"name": "binary-cross-entropy"},
        },
        "evaluate": {"batch_size": 4096},
    },
    options=Options,
    unused=("data.augment", "data.normalize", "data.balance", "evaluate.views", "evaluate.thresholds"),
    chancy=True,
    divide="danlu.tasks.click_prediction.division:divide",
    example=EXAMPLE,
)
