"""What segmentation says about itself, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from danlu.data.images.codes import code_of, is_colour
from danlu.messages import choose
from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.segmentation import texts

EXAMPLE = """\
# Images and masks of the same names become a net that names every pixel: scenes/images/1.jpg, scenes/masks/1.png
task: segmentation
seed: 0
data:
  source: ./scenes            # folders images + masks, PASCAL VOC, COCO's JSON, or a table with columns image and mask
  image: {size: 128, resize: pad}  # what pad adds counts nowhere; masks follow by the nearest pixel
  split: {val: 0.1, test: 0.1}
  augment: [flip]             # also crop, rotate, random-resized-crop, color-jitter, …
model:
  name: auto                  # an own small U-Net | smp:Unet | torchvision:fcn_resnet50 | hf:NAME | mypackage.mymodule:MyNet
train:
  epochs: 40
  batch_size: 16
  loss: cross-entropy         # | focal | dice
options:
  dice: 1.0                   # weight of the Dice term beside it; 0: none
  mask: {ignore: [255]}       # classes: [sky, road] or {sky: 0, road: "#804080"} where no file names them
"""


class MaskOptions(Section):
    """How masks are read."""

    classes: Annotated[
        Any,
        Field(description="Names in order (0, 1, 2 …), or name → value, palette index or colour; null: as found"),
    ] = None
    ignore: Annotated[tuple[Any, ...], Field(description="Values or colours of pixels that count nowhere")] = (255,)

    @field_validator("classes")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value:
            if len({is_colour(each) for each in value.values()}) > 1:
                raise ValueError(choose(texts.MIXED))
            if len({code_of(each) for each in value.values()}) < len(value):
                raise ValueError(choose(texts.TWICE))
        elif isinstance(value, (list, tuple)) and value:
            if not all(isinstance(each, str) for each in value) or len(set(value)) < len(value):
                raise ValueError(choose(texts.NAMES))
        elif value is not None:
            raise ValueError(choose(texts.NAMES))
        return value

    @field_validator("ignore")
    @classmethod
    def _codes(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for each in value:
            code_of(each)
        return value


class Options(Section):
    """How masks are read, learnt from and answered."""

    mask: MaskOptions = Field(MaskOptions(), description="How masks are read")
    dice: Annotated[
        float, Field(ge=0.0, le=100.0, description="Weight of the Dice term beside train.loss; 0: none")
    ] = 1.0
    dice_over: Literal["image", "batch"] = Field(
        "image",
        description="What a Dice coefficient is of: each image, or the whole batch, whose images then depend on each other",
    )
    large: Literal["resize", "tile"] = Field(
        "resize",
        description="An image larger than those in training: resized as they were, or answered in tiles at its own scale",
    )
    tile: Annotated[int, Field(ge=16, le=4096)] | None = Field(
        None, description="Side of a tile in pixels; null: what the net was trained on"
    )
    overlap: Annotated[float, Field(ge=0.0, lt=0.9, description="Share of a tile that its neighbour covers too")] = 0.25


SPEC = TaskSpec(
    name="segmentation",
    title=("Image segmentation", "图像分割"),
    columns={"image": Column("image", "input"), "mask": Column("mask", "target")},
    task="danlu.tasks.segmentation.task:Segmentation",
    decoder="danlu.tasks.segmentation.decoder:MaskDecoder",
    monitor=("val/miou", 1),
    defaults={
        "data": {"augment": ["flip"], "image": {"resize": "pad"}},
        "train": {
            "epochs": 40,
            "batch_size": 16,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.01},
            "schedule": "one-cycle",
        },
    },
    options=Options,
    unused=("model.drop_path", "model.unfreeze", "model.adapter", "evaluate.views"),
    example=EXAMPLE,
)
