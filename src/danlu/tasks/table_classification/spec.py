"""What classification of tables says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.tables.options import TRAIN, Options

EXAMPLE = """\
# A table becomes a classifier of its rows: customers.csv with a column churned
task: table-classification
seed: 0
data:
  source: ./customers.csv       # also .jsonl or .parquet
  columns: {label: churned}     # two classes or more; features: [age, plan] to use some columns alone
  split: {val: 0.15, test: 0.15}  # stratified; group: COLUMN keeps rows of one thing together; time: COLUMN tests on the latest
  balance: none                 # class-weights | sampler | logit-adjustment
model:
  name: tabm                    # table-mlp | mypackage.mymodule:MyNet
train:
  epochs: 40
options:
  features:
    ignore: []                  # columns to leave out; types: {zip: category} where one is told wrongly
    missing: median             # mean | most-frequent | constant | drop
    scale: quantile             # standard | minmax | robust | none
    min_count: 5                # rarer categories share a place
"""

SPEC = TaskSpec(
    name="table-classification",
    title=("Classification of tables", "表格分类"),
    columns={"features": Column("features", "input"), "label": Column("category", "target", {"absent": "missing"})},
    task="danlu.tasks.table_classification.task:TableClassification",
    decoder="danlu.tasks.table_classification.decoder:ClassDecoder",
    monitor=("val/accuracy", 1),
    defaults={
        "model": {"name": "tabm"},
        "train": {**TRAIN, "epochs": 40, "loss": {"name": "cross-entropy"}},
    },
    options=Options,
    example=EXAMPLE,
)
