"""What detection says about itself, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# Boxes in COCO's JSON format become a detector.
task: detection
seed: 0
data:
  source: ./instances_train.json  # images lie beside it, or under data.root
  format: coco
  image: {size: 256}              # the longest side is made at most so many pixels
  split: {val: 0.1, test: 0.1}
  augment: [flip]                 # box-safe ones: flip, crop, rotate, color-jitter, …
model:
  name: auto                      # a small FCOS | torchvision:fcos_resnet50_fpn | hf:NAME (RT-DETR, D-FINE) | mypackage.mymodule:MyNet
  args: {width: 32}
train:
  epochs: 30
  batch_size: 8
  optimizer: {name: adamw, lr: 1e-3, weight_decay: 0.05}
options:
  min_score: 0.05                 # boxes below are not answered
  overlap: 0.6                    # IoU above which the weaker of two boxes of a class is dropped
  max_boxes: 100
"""


class Options(Section):
    """How a detector answers."""

    min_score: Annotated[float, Field(ge=0.0, lt=1.0, description="boxes with a lower score are not answered")] = 0.05
    overlap: Annotated[
        float, Field(gt=0.0, le=1.0, description="IoU above which the weaker of two boxes is dropped")
    ] = 0.6
    max_boxes: Annotated[int, Field(ge=1, le=1000, description="boxes answered for an image")] = 100


SPEC = TaskSpec(
    name="detection",
    title=("Object detection", "目标检测"),
    columns={
        "image": Column("image", "input", {"shape": "ragged"}),
        "boxes": Column("boxes", "target"),
    },
    task="danlu.tasks.detection.task:Detection",
    decoder="danlu.tasks.detection.decoder:BoxDecoder",
    monitor=("val/ap", 1),
    defaults={
        "data": {"augment": ["flip"], "image": {"channels": 3}},
        "train": {
            "epochs": 30,
            "batch_size": 8,
            "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.05},
            "schedule": "one-cycle",
            "clip_norm": 10.0,
        },
    },
    options=Options,
    unused=(
        "train.loss",
        "model.dropout",
        "model.drop_path",
        "model.unfreeze",
        "model.adapter",
        "evaluate.views",
    ),
    example=EXAMPLE,
)
