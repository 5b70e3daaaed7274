"""Columns of interactions by the names that people give them, and what a recipe may say of every application to them. No torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.spec import Column

USER = (
    "user",
    "userid",
    "uid",
    "customer",
    "customerid",
    "visitor",
    "visitorid",
    "account",
    "member",
    "用户",
    "用户编号",
)
ITEM = (
    *(
        "item",
        "itemid",
        "iid",
        "movie",
        "movieid",
        "product",
        "productid",
        "article",
        "articleid",
        "song",
        "track",
        "book",
    ),
    *("isbn", "asin", "sku", "物品", "商品", "电影", "物品编号"),
)
RATING = ("rating", "score", "stars", "value", "评分")
TIME = ("time", "timestamp", "date", "datetime", "unixtime", "时间", "日期")
USER_COLUMN = Column("id", "input", also=USER)
TIME_COLUMN = Column("moment", "aside", optional=True, also=TIME)

Sparse = Annotated[
    bool | Literal["auto"],
    Field(description="gradients of the batch's rows alone; auto: where the optimizer is made for them"),
]
Shrink = Annotated[
    float,
    Field(
        ge=0,
        description="L2 on the embeddings of a batch's users and items, a mean over its pairs; in built-in nets that factorise",
    ),
]
UNUSED = (  # keys that mean nothing where a row is a pair of ids
    "evaluate.views",
    "evaluate.thresholds",
    "data.augment",
    "data.normalize",
    "data.balance",
    "data.split.group",
)
DIVIDE = "danlu.tasks.interactions.division:divide"
