"""What text generation says about itself, without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.generating.options import UNUSED, Writing

EXAMPLE = """\
# Raw text becomes a net that continues texts.
task: text-generation
seed: 0
data:
  source: ./corpus.txt            # also a folder of .txt files, or .jsonl, .csv, .parquet with a column of texts
  text: {tokenizer: bpe, vocabulary: 4000, max_length: 128}  # tokens that are looked back at while learning; or hf:NAME
  split: {val: 0.05, test: 0.05}
model:
  name: gpt                       # or hf:NAME (GPT-2, Llama, Qwen2), with data.text.tokenizer: hf:NAME
  args: {width: 256, layers: 4, heads: 4}
train:
  epochs: 10
  tokens: 4096
  optimizer: {name: adamw, lr: 1e-3, weight_decay: 0.1}
options:
  passage: 500                    # characters into which longer texts are cut, at ends of lines and sentences
  new_tokens: 64                  # written at most
  temperature: 0.8                # 0: the likeliest token
  top_p: 0.95
"""


class Options(Writing):
    """How texts are cut, and continued."""

    passage: Annotated[int, Field(ge=20, le=100_000, description="characters into which longer texts are cut")] = 500
    new_tokens: Annotated[int, Field(ge=1, le=10_000, description="tokens written at most")] = 64
    temperature: Annotated[
        float, Field(ge=0.0, le=10.0, description="0: the likeliest; above: tokens are drawn, 1 as the net says")
    ] = 0.8
    top_p: Annotated[float, Field(gt=0.0, le=1.0, description="draw among the fewest tokens that hold this share")] = (
        0.95
    )
    label_smoothing: Annotated[
        float, Field(ge=0.0, lt=1.0, description="share of each target that is spread over all tokens")
    ] = 0.0


SPEC = TaskSpec(
    name="text-generation",
    title=("Text generation", "文本生成"),
    columns={
        "text": Column(
            "tokens", "input", {"bare": True}, also=("text", "content", "body", "story", "poem", "文本", "正文", "内容")
        )
    },
    task="danlu.tasks.text_generation.task:TextGeneration",
    decoder="danlu.tasks.text_generation.decoder:Continuation",
    clean="danlu.tasks.text_generation.passages:cut",
    monitor=("val/perplexity", -1),
    defaults={
        "data": {
            "text": {"tokenizer": "bpe", "vocabulary": 4000, "lower": False, "normalize": "nfc", "max_length": 128}
        },
        "train": {
            "epochs": 10,
            "batch_size": 32,
            "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.1},
            "schedule": "one-cycle",
            "clip_norm": 1.0,
        },
    },
    options=Options,
    unused=UNUSED,
    example=EXAMPLE,
)
