"""What item recommendation says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.schema import PathText, Section
from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.interactions.columns import DIVIDE, ITEM, RATING, TIME_COLUMN, UNUSED, USER_COLUMN, Shrink, Sparse

EXAMPLE = """\
# Who met what becomes recommendations: ratings.csv with columns user, item and, if there are, rating and time
task: item-recommendation
seed: 0
data:
  source: ./ratings.csv     # also .parquet, .jsonl, or RecBole's .inter
  # columns: {user: customer, item: product, time: bought_at}  # the file's own names, where they differ
  split: {val: 0.1, test: 0.1}
model:
  name: collaborative-filtering   # ease | item-knn | neumf | lightgcn | sasrec | popularity | mypackage.mymodule:MyNet
train:
  epochs: 30
  loss: bpr                 # pointwise | sampled-softmax
  early_stop: {monitor: val/ndcg@10, patience: 5}
options:
  split: auto               # time where times are known, else random; leave-one-out
  k: [10]                   # how many are recommended, and judged
  # liked: 4                # ratings below it are known, but nothing to be recommended for
  # id: {titles: ./items.csv}  # a table of ids and titles, for people
"""


class Titled(Section):
    """What people call the items."""

    titles: PathText | None = Field(None, description="table of ids and titles (CSV, TSV, .item); null: ids are shown")


class Options(Section):
    """How interactions are divided, drawn and judged."""

    split: Literal["auto", "time", "random", "leave-one-out"] = Field(
        "auto",
        description="auto: time where times are known, else random. random: of each user's items; "
        "leave-one-out: each user's last item is test, the one before val",
    )
    k: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (10,), description="how many are recommended, and judged (10 always)"
    )
    liked: float | None = Field(
        None, description="least rating of an item that counts as liked; null: all that were met"
    )
    negatives: Annotated[int, Field(ge=1, le=4096)] = Field(4, description="items drawn beside each that was met")
    l2: Shrink = 0.01
    sparse: Sparse = "auto"
    id: Titled = Field(Titled(), description="what ids are called")


SPEC = TaskSpec(
    name="item-recommendation",
    title=("Item recommendation", "物品推荐"),
    columns={
        "user": USER_COLUMN,
        "item": Column("id", "target", {"titled": True}, also=ITEM),
        "rating": Column("number", "target", {"gaps": True}, optional=True, also=RATING),
        "time": TIME_COLUMN,
    },
    task="danlu.tasks.item_recommendation.task:ItemRecommendation",
    decoder="danlu.tasks.item_recommendation.decoder:TopItems",
    monitor=("val/ndcg@10", 1),
    defaults={
        "model": {"name": "collaborative-filtering", "args": {"scale": 0.03}},
        "data": {"duplicates": "keep"},
        "train": {
            "epochs": 30,
            "batch_size": 2048,
            "optimizer": {"name": "adamw", "lr": 5e-3, "weight_decay": 0.0},
            "schedule": "constant",
            "loss": {"name": "bpr"},
        },
        "evaluate": {"batch_size": 512},
    },
    options=Options,
    unused=UNUSED,
    divide=DIVIDE,
    alike=("user", "item"),
    example=EXAMPLE,
)
