"""What a masked language model says about itself, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# Raw text becomes an encoder, which other recipes take up by `model.pretrained: runs/NAME`.
task: masked-lm
seed: 0
run: {name: encoder}
data:
  source: ./texts.txt             # one text a line; also a folder of .txt files, .jsonl, .csv, .parquet with a column text
  text: {tokenizer: auto, max_length: 64}
  split: {val: 0.1, test: 0}
model: text-transformer           # or {name: hf:NAME, pretrained: true}, with data.text.tokenizer: hf:NAME and lr: 5e-5
train:
  epochs: 20
  batch_size: 64
  optimizer: {name: adamw, lr: 2e-3, weight_decay: 0.01}
options:
  hidden: 0.15                    # share of the words that are hidden, others in every epoch
"""


class Options(Section):
    """What is hidden."""

    hidden: Annotated[float, Field(gt=0, lt=1)] = Field(0.15, description="Share of the words that are hidden")
    masked: Annotated[float, Field(ge=0, le=1)] = Field(
        0.8,
        description="Share of the hidden tokens that are seen as a mask; half of the others as a random token, half as they are",
    )


SPEC = TaskSpec(
    name="masked-lm",
    title=("Masked language model", "掩码语言模型"),
    columns={
        "text": Column("gapped", "input", also=("text", "texts", "sentence", "content", "review", "文本", "内容"))
    },
    task="danlu.tasks.masked_lm.task:MaskedLm",
    decoder="danlu.tasks.masked_lm.decoder:FillDecoder",
    monitor=("val/loss", -1),
    defaults={
        "model": {"name": "text-transformer"},
        "train": {
            "epochs": 20,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.01},
            "schedule": "one-cycle",
            "clip_norm": 1.0,
            "evaluate_every": 2,
        },
    },
    options=Options,
    unused=(
        "train.loss",
        "data.augment",
        "data.balance",
        "data.normalize",
        "model.unfreeze",
        "model.adapter",
        "evaluate.views",
        "evaluate.thresholds",
    ),
    example=EXAMPLE,
)
