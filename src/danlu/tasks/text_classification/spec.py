"""What text classification says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# A table of texts and labels becomes a classifier: reviews.csv with columns text and label
task: text-classification
seed: 0
data:
  source: ./reviews.csv           # also .jsonl, .parquet, or a folder of .txt files for each class
  columns: {text: review, label: stars}  # the file's own names of the columns, where they differ
  text: {tokenizer: auto}         # words | characters | bpe | hf:NAME
  duplicates: one-side            # drop | keep; near duplicates count too
  balance: none                   # class-weights | sampler | logit-adjustment
model:
  name: ngrams                    # bag | text-cnn | text-classifier (RNN, LSTM, GRU) | text-transformer | hf:NAME
train:
  epochs: 8
  batch_size: 64                  # or tokens: 4096
  optimizer: {name: sgd, lr: 0.05, weight_decay: 0}  # other nets: {name: adamw, lr: 3e-3}
  early_stop: {monitor: val/accuracy, patience: 3}
"""

SPEC = TaskSpec(
    name="text-classification",
    title=("Text classification, sentiment", "文本分类与情感分析"),
    columns={"text": Column("text", "input"), "label": Column("category", "target")},
    task="danlu.tasks.text_classification.task:TextClassification",
    monitor=("val/accuracy", 1),
    defaults={
        "model": {"name": "ngrams"},
        "train": {
            "epochs": 10,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01},
            "schedule": "one-cycle",
            "loss": {"name": "cross-entropy"},
        },
    },
    nets={"ngrams": {"train": {"epochs": 8, "optimizer": {"name": "sgd", "lr": 0.05, "weight_decay": 0.0}}}},
    unused=("evaluate.views", "data.augment", "data.normalize"),
    example=EXAMPLE,
)
