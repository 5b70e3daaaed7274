"""What multi-label text classification says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# A table of texts, each with any number of labels: films.csv with columns text and labels ("drama|crime", "[]" for none)
task: text-multi-label
seed: 0
data:
  source: ./films.csv         # csv | parquet | jsonl (labels may be a list there)
  # columns: {labels: [drama, crime, comedy]}  # where every label has a column of 0 and 1
  labels: {separator: "|"}    # auto: of | ; , the one in most cells
  text: {tokenizer: auto}     # words | characters | bpe | hf:NAME
  split: {val: 0.15, test: 0.15}  # stratified by each row's rarest label; copies and near copies stay together
  balance: none               # class-weights: a yes of a rare label weighs more
model:
  name: ngrams                # bag | text-cnn | text-classifier (RNN, LSTM, GRU) | text-transformer | hf:NAME
train:
  epochs: 8
  batch_size: 64              # or tokens: 4096
  optimizer: {name: sgd, lr: 1, weight_decay: 0}  # other nets: {name: adamw, lr: 1e-2}; 1e-3 for text-classifier, text-transformer
  loss: binary-cross-entropy  # or {name: focal, gamma: 2}
evaluate:
  thresholds: macro-f1        # each label's own, tuned on the validation part; null: .5 for all
"""

SPEC = TaskSpec(
    name="text-multi-label",
    title=("Multi-label text classification", "文本多标签分类"),
    columns={"text": Column("text", "input"), "labels": Column("labels", "target")},
    task="danlu.tasks.text_multi_label.task:TextMultiLabel",
    decoder="danlu.tasks.image_multi_label.decoder:LabelsDecoder",
    monitor=("val/map", 1),
    defaults={
        "model": {"name": "ngrams"},
        "train": {
            "epochs": 15,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 1e-2, "weight_decay": 0.01},
            "schedule": "one-cycle",
            "loss": {"name": "binary-cross-entropy"},
        },
        "evaluate": {"thresholds": "macro-f1"},
    },
    nets={"ngrams": {"train": {"epochs": 8, "optimizer": {"name": "sgd", "lr": 1.0, "weight_decay": 0.0}}}},
    unused=("evaluate.views", "data.augment", "data.normalize"),
    example=EXAMPLE,
)
