"""What the application is, without torch: its columns, defaults, options and an example recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec


class Options(Section):
    """What a recipe may say under ``options``; anything else is refused with the nearest name."""

    hidden: Annotated[int, Field(ge=1)] = 32  # units of the hidden layer


EXAMPLE = """\
# A table of houses becomes an estimate of prices: houses.csv with columns area, rooms and price
task: house-price
data:
  source: ./houses.csv
  columns: {price: sold_for}  # the file's own name of a column, where it differs
train: {epochs: 50}
options: {hidden: 32}
"""

SPEC = TaskSpec(
    name="house-price",
    title=("House price", "房价估计"),
    columns={
        "area": Column("number", "input"),  # inputs are given to the net in this order
        "rooms": Column("number", "input"),
        "price": Column("number", "target"),
    },
    task=f"{__package__}.task:HousePrice",
    monitor=("val/mae", -1),
    defaults={"train": {"epochs": 50, "batch_size": 32, "optimizer": {"name": "adamw", "lr": 0.01}}},
    options=Options,
    example=EXAMPLE,
)
