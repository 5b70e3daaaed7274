"""What rating prediction says about itself, without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.interactions.columns import DIVIDE, ITEM, RATING, TIME_COLUMN, UNUSED, USER_COLUMN, Shrink, Sparse

EXAMPLE = """\
# Who rated what how becomes estimates of ratings: ratings.csv with columns user, item, rating and, if it is there, time
task: rating-prediction
seed: 0
data:
  source: ./ratings.csv     # also .parquet, .jsonl, or RecBole's .inter
  # columns: {user: customer, item: product, rating: stars}  # the file's own names, where they differ
  split: {val: 0.1, test: 0.1}
model:
  name: collaborative-filtering   # or mypackage.mymodule:MyNet, made with (users, items)
  args: {embedding: 64, biases: true, scale: 0.05}
train:
  epochs: 20
options:
  split: auto               # time where times are known, else random; leave-one-out
"""


class Options(Section):
    """How ratings are divided."""

    split: Literal["auto", "time", "random", "leave-one-out"] = Field(
        "auto",
        description="auto: time where times are known, else random. random: of each user's ratings; "
        "leave-one-out: each user's last rating is test, the one before val",
    )
    l2: Shrink = 0.1
    sparse: Sparse = "auto"


SPEC = TaskSpec(
    name="rating-prediction",
    title=("Rating prediction", "评分预测"),
    columns={
        "user": USER_COLUMN,
        "item": Column("id", "input", also=ITEM),
        "rating": Column("number", "target", also=RATING),
        "time": TIME_COLUMN,
    },
    task="danlu.tasks.rating_prediction.task:RatingPrediction",
    monitor=("val/rmse", -1),
    defaults={
        "model": {"name": "collaborative-filtering", "args": {"biases": True, "scale": 0.05}},
        "data": {"duplicates": "keep"},
        "train": {
            "epochs": 20,
            "batch_size": 2048,
            "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.0},
            "schedule": "one-cycle",
            "loss": {"name": "mse"},
        },
    },
    options=Options,
    unused=UNUSED,
    divide=DIVIDE,
    example=EXAMPLE,
)
