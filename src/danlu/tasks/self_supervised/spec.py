"""What self-supervision says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec


class Options(Section):
    """method: what is learnt from; see ``methods``.

    temperature, projection: of SimCLR's loss, and how long the vectors that it compares are. mask: share of the patches that are
    hidden (mae). painted: share of the hidden patches that are painted, drawn anew each time: fewer make a step cheaper.
    patch_pixels: as the net sees them, or each patch with mean 0 and deviation 1 (He et al. 2022, section 4.1). probe: judge by
    the labels, where there are any. probe_rows: labelled training images, at most, that the probes are fitted on. neighbours: of the
    nearest-neighbour probe.
    """

    method: Literal["simclr", "rotation", "mae"] = "simclr"
    temperature: Annotated[float, Field(gt=0)] = 0.2
    projection: Annotated[int, Field(ge=2)] = 64
    mask: Annotated[float, Field(gt=0, lt=1)] = 0.6
    painted: Annotated[float, Field(gt=0, le=1)] = 1.0
    patch_pixels: Literal["as-seen", "normalized"] = "as-seen"
    probe: bool = True
    probe_rows: Annotated[int, Field(ge=10)] = 5000
    neighbours: Annotated[int, Field(ge=1)] = 20


EXAMPLE = """\
# Images without labels become an encoder, which other recipes take up by `model.pretrained: runs/NAME`.
task: self-supervised
seed: 0
run: {name: encoder}
data:
  source: ./photos                # a folder of images; labels, where there are any, are only used to judge
  image: {size: 64}
  split: {val: 0.1, test: 0}
  augment:                        # what makes two views of an image differ
    - {random-resized-crop: {area: 0.25}}
    - flip
    - {color-jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}}
    - {erase: {p: 0.3}}
model: resnet                     # mae: vit
train:
  epochs: 100
  batch_size: 256                 # with accumulate: N the loss still compares the samples of all N batches
options:
  method: simclr                  # rotation | mae
"""

SPEC = TaskSpec(
    name="self-supervised",
    title=("Self-supervision (images)", "自监督学习（图像）"),
    columns={"image": Column("image", "input"), "label": Column("category", "aside", optional=True)},
    task="danlu.tasks.self_supervised.task:SelfSupervised",
    decoder="danlu.tasks.self_supervised.decoder:EmbeddingDecoder",
    monitor=("val/loss", -1),
    defaults={
        "data": {
            "augment": [
                {"random-resized-crop": {"area": 0.25}},
                "flip",
                {"color-jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.2}},
                {"erase": {"p": 0.3}},
            ]
        },
        "train": {
            "epochs": 20,
            "batch_size": 256,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 1e-4},
            "schedule": "one-cycle",
            "evaluate_every": 5,
        },
        "evaluate": {"weights": "last"},
    },
    options=Options,
    unused=(
        "train.loss",
        "data.balance",
        "model.unfreeze",
        "model.adapter",
        "evaluate.views",
        "evaluate.thresholds",
    ),
    example=EXAMPLE,
)
