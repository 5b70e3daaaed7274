"""What multi-label classification of tables says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.tables.options import TRAIN, Options

EXAMPLE = """\
# A table whose rows have any number of labels: genes.csv with a column labels ("growth|energy", "[]" for none)
task: table-multi-label
seed: 0
data:
  source: ./genes.csv           # also .jsonl (labels may be a list there) or .parquet
  # columns: {labels: [growth, energy, transport]}  # where every label has a column of 0 and 1
  split: {val: 0.15, test: 0.15}
model:
  name: tabm                    # table-mlp | mypackage.mymodule:MyNet
train:
  epochs: 40
options:
  features: {missing: median, scale: quantile}
evaluate:
  thresholds: macro-f1          # each label's own, tuned on the validation part; null: .5 for all
"""

SPEC = TaskSpec(
    name="table-multi-label",
    title=("Multi-label classification of tables", "表格多标签分类"),
    columns={"features": Column("features", "input"), "labels": Column("labels", "target")},
    task="danlu.tasks.table_multi_label.task:TableMultiLabel",
    decoder="danlu.tasks.table_multi_label.decoder:SetsDecoder",
    monitor=("val/map", 1),
    defaults={
        "model": {"name": "tabm"},
        "train": {**TRAIN, "epochs": 40, "loss": {"name": "binary-cross-entropy"}},
        "evaluate": {"thresholds": "macro-f1"},
    },
    options=Options,
    example=EXAMPLE,
)
