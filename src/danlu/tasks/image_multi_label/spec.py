"""What multi-label image classification says about itself, without torch."""

from __future__ import annotations

from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# A table of pictures, each with any number of labels: photos.csv with columns image and labels ("beach|sunset", "[]" for none)
task: image-multi-label
seed: 0
data:
  source: ./photos.csv        # csv | parquet | jsonl (labels may be a list there)
  # columns: {labels: [beach, sunset, people]}  # where every label has a column of 0 and 1
  labels: {separator: "|"}    # auto: of | ; , the one in most cells
  image: {size: 128}
  split: {val: 0.15, test: 0.15}  # stratified by each row's rarest label; group: COLUMN keeps pictures of one thing together
  augment: [flip]
  balance: none               # class-weights: a yes of a rare label weighs more
model:
  name: resnet                # image-classifier | timm:NAME | torchvision:NAME | hf:NAME | mypackage.mymodule:MyNet
train:
  epochs: 20
  loss: binary-cross-entropy  # or {name: focal, gamma: 2}
evaluate:
  thresholds: macro-f1        # each label's own, tuned on the validation part; null: .5 for all
"""

SPEC = TaskSpec(
    name="image-multi-label",
    title=("Multi-label image classification", "图像多标签分类"),
    columns={"image": Column("image", "input"), "labels": Column("labels", "target")},
    task="danlu.tasks.image_multi_label.task:MultiLabel",
    decoder="danlu.tasks.image_multi_label.decoder:LabelsDecoder",
    monitor=("val/map", 1),
    defaults={
        "model": {"name": "resnet"},
        "data": {"augment": [{"flip": {"alternating": True}}]},
        "train": {
            "epochs": 20,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 1e-2},
            "schedule": "one-cycle",
            "loss": {"name": "binary-cross-entropy"},
        },
        "evaluate": {"thresholds": "macro-f1"},
    },
    example=EXAMPLE,
)
