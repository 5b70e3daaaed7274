"""What content recommendation says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.schema import PathText, Section
from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.interactions.columns import ITEM, RATING, TIME_COLUMN, UNUSED, USER

EXAMPLE = """\
# Who met what, and a table of the items, become recommendations of items that nobody has met yet
task: content-recommendation
seed: 0
data:
  source: ./ratings.csv     # user, item and, if there are, rating and time
  split: {val: 0.1, test: 0.1}
model:
  name: two-tower           # tf-idf | mypackage.mymodule:MyNet
  args: {ids: true}         # with vectors of the items' own: a hybrid; false: content alone
train:
  epochs: 20
  early_stop: {monitor: val/ndcg@10, patience: 3}
options:
  id: {titles: ./items.csv} # the first column holds ids; texts, tags (a|b or a, b), categories and numbers are read
  split: items              # judged by items that were never met; time, random, leave-one-out as in item recommendation
  k: [10]
"""


class Table(Section):
    """What is known of the items."""

    titles: PathText | None = Field(
        None, description="table of items (CSV, TSV, .item): ids in the first column, then titles, texts, tags, numbers"
    )


class Options(Section):
    """How interactions are divided and judged."""

    split: Literal["items", "auto", "time", "random", "leave-one-out"] = Field(
        "items",
        description="items: those of test and val are never met in training, and are ranked among themselves; "
        "others as in item recommendation",
    )
    k: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (10,), description="how many are recommended, and judged (10 always)"
    )
    liked: float | None = Field(
        None, description="least rating of an item that counts as liked; null: all that were met"
    )
    id: Table = Field(Table(), description="what is known of the items")


SPEC = TaskSpec(
    name="content-recommendation",
    title=("Content recommendation", "内容推荐"),
    columns={
        "user": Column("asker", "input", {"together": "ids"}, also=USER),
        "item": Column("catalogue", "target", {"together": "ids"}, also=ITEM),
        "rating": Column("number", "target", {"gaps": True}, optional=True, also=RATING),
        "time": TIME_COLUMN,
    },
    task="danlu.tasks.content_recommendation.task:ContentRecommendation",
    decoder="danlu.tasks.content_recommendation.decoder:ExplainedItems",
    monitor=("val/ndcg@10", 1),
    defaults={
        "model": {"name": "two-tower"},
        "data": {"duplicates": "keep"},
        "train": {
            "epochs": 20,
            "batch_size": 1024,
            "optimizer": {"name": "adamw", "lr": 5e-3, "weight_decay": 0.05},
            "schedule": "constant",
            "loss": {"name": "info-nce"},
        },
        "evaluate": {"batch_size": 512},
    },
    options=Options,
    unused=UNUSED,
    divide="danlu.tasks.content_recommendation.division:divide",
    alike=("user", "item"),
    example=EXAMPLE,
)
