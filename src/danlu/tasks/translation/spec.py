"""What translation says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.spec import Column, TaskSpec
from danlu.tasks.generating.options import UNUSED, Writing

EXAMPLE = """\
# A table of sentences in two languages becomes a translator: pairs.tsv with columns source and target
task: translation
seed: 0
data:
  source: ./pairs.tsv             # also .csv, .jsonl, .parquet, .tmx, or a folder of two files with the same number of lines
  columns: {source: en, target: fr}  # the file's own names of the columns
  text: {tokenizer: bpe, vocabulary: 8000}  # unigram | words | characters | hf:NAME
  split: {val: 0.05, test: 0.05}  # group: a column of documents that stay in one part
model:
  name: seq2seq-transformer       # or hf:NAME (Marian, T5, BART), with data.text.tokenizer: hf:NAME
  args: {width: 256, layers: 3, heads: 4}
train:
  epochs: 20
  tokens: 4096                    # most tokens of a batch, of both sides, padding counted
  optimizer: {name: adamw, lr: 1e-3, weight_decay: 0.01}
  warmup: 0.1
options:
  shared: true                    # one vocabulary for both languages
  beams: 4                        # 1: greedy
  length_penalty: 1.0
  label_smoothing: 0.1
  copies: drop                    # targets that are copies of their source
  ratio: 4.0                      # of lengths, apart from the usual one; null: any
"""


class Options(Writing):
    """How pairs are chosen, and translations written and scored."""

    shared: Annotated[bool, Field(description="one vocabulary, and one embedding, for both languages")] = True
    copies: Annotated[Literal["drop", "keep"], Field(description="pairs whose target is a copy of the source")] = "drop"
    ratio: Annotated[
        float | None,
        Field(
            gt=1.0, description="pairs are left out whose lengths differ by more than this times the usual; null: none"
        ),
    ] = 4.0
    source_language: Annotated[
        str | None,
        Field(description="the source's code in a tokenizer that has one for each language (mBART, NLLB, M2M100)"),
    ] = None
    target_language: Annotated[str | None, Field(description="the target's code, likewise; it is written first")] = None
    scoring: Annotated[
        Literal["auto", "13a", "intl", "zh", "char"],
        Field(
            description="sacrebleu's tokenizer; auto: zh for Chinese, char for other scripts without spaces, else 13a"
        ),
    ] = "auto"


_SOURCE = ("src", "source_text", "sentence1", "original", "english", "en", "原文", "源文", "英文")
_TARGET = (
    "tgt",
    "trg",
    "target_text",
    "translation",
    "sentence2",
    "译文",
    "目标",
    "翻译",
    "zh",
    "fr",
    "de",
    "ja",
    "中文",
)

SPEC = TaskSpec(
    name="translation",
    title=("Translation", "翻译"),
    columns={
        "source": Column(
            "text", "input", {"together": "pair", "lossless": True, "language": "source_language"}, also=_SOURCE
        ),
        "target": Column("tokens", "target", {"together": "pair", "language": "target_language"}, also=_TARGET),
    },
    task="danlu.tasks.translation.task:Translation",
    decoder="danlu.tasks.translation.decoder:TranslationWriter",
    clean="danlu.tasks.translation.cleaning:clean",
    monitor=("val/loss", -1),
    defaults={
        "data": {"text": {"tokenizer": "bpe", "vocabulary": 8000, "lower": False, "normalize": "nfc"}},
        "train": {
            "epochs": 20,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
            "schedule": "one-cycle",
            "clip_norm": 1.0,
        },
    },
    options=Options,
    unused=UNUSED,
    example=EXAMPLE,
)
