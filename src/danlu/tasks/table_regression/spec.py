"""What regression on tables says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.tables.options import TRAIN, RegressionOptions

EXAMPLE = """\
# A table becomes an estimate of one of its columns: houses.csv with a column price
task: table-regression
seed: 0
data:
  source: ./houses.csv          # also .jsonl or .parquet
  columns: {value: price}       # what is estimated; features: [area, rooms] to use some columns alone
  split: {val: 0.15, test: 0.15}  # group: COLUMN keeps rows of one thing together; time: COLUMN tests on the latest
model:
  name: tabm                    # table-mlp | mypackage.mymodule:MyNet
train:
  epochs: 60
  loss: mse                     # huber | l1
options:
  features:
    ignore: []                  # columns to leave out; types: {zip: category} where one is told wrongly
    missing: median             # mean | most-frequent | constant | drop
    scale: quantile             # standard | minmax | robust | none
  level: 0.9                    # of the intervals
"""

SPEC = TaskSpec(
    name="table-regression",
    title=("Regression on tables", "表格回归"),
    columns={"features": Column("features", "input"), "value": Column("number", "target")},
    task="danlu.tasks.table_regression.task:TableRegression",
    decoder="danlu.tasks.table_regression.decoder:NumberDecoder",
    monitor=("val/rmse", -1),
    defaults={
        "model": {"name": "tabm"},
        "train": {**TRAIN, "epochs": 60, "loss": {"name": "mse"}},
    },
    options=RegressionOptions,
    example=EXAMPLE,
)
