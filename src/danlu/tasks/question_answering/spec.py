"""What question answering says about itself, without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from danlu.recipe.schema import Section
from danlu.recipe.spec import Column, TaskSpec

EXAMPLE = """\
# Questions about texts, in SQuAD's JSON (v1, v2, CMRC): each answer is a part of the text, or there is none.
task: question-answering
seed: 0
data:
  source: ./train.json            # also .csv, .jsonl, .parquet with the columns context, question, answer, answer_start
  text: {vocabulary: 20000}       # tokenizer: hf:NAME for a published net
  split: {val: 0.1, test: 0.1}    # by context: questions about one text stay in one part
model:
  name: auto                      # span-reader, a small encoder | hf:NAME with pretrained: true
train:
  epochs: 10
  batch_size: 32
  optimizer: {name: adamw, lr: 1e-3, weight_decay: 0.01}
options:
  passage: {window: 320, stride: 160}  # tokens that are read at once, and from one such window to the next
  longest: 30                     # tokens of an answer
"""


class PassageOptions(Section):
    """How long texts are read."""

    window: Annotated[int, Field(ge=8, le=4096)] = Field(320, description="Tokens of a text that are read at once")
    stride: Annotated[int, Field(ge=1, le=4096)] = Field(
        160, description="Tokens from the begin of one window to that of the next; at most the window"
    )


class Options(Section):
    """How texts are read and how answers are chosen and judged."""

    passage: PassageOptions = Field(PassageOptions(), description="How long texts are read")
    longest: Annotated[int, Field(ge=1, le=512)] = Field(30, description="Tokens of an answer, at most")
    scoring: Literal["auto", "squad", "cmrc"] = Field(
        "auto",
        description="Rules of EM and F1: squad by words, cmrc by characters; auto: cmrc for scripts without spaces",
    )


SPEC = TaskSpec(
    name="question-answering",
    title=("Question answering", "阅读理解问答"),
    columns={
        "question": Column(
            "query",
            "input",
            {"together": "reading", "tokenizer": "words", "buckets": 4096},
            also=("query", "querytext", "问题"),
        ),
        "context": Column(
            "passage",
            "input",
            {"together": "reading", "tokenizer": "words", "buckets": 4096},
            also=("passage", "paragraph", "contexttext", "text", "document", "原文", "上下文", "段落"),
        ),
        "answers": Column("answers", "target", also=("answer", "answertext", "text", "答案")),
    },
    task="danlu.tasks.question_answering.task:QuestionAnswering",
    decoder="danlu.tasks.question_answering.decoder:SpanDecoder",
    monitor=("val/f1", 1),
    defaults={
        "model": {"name": "span-reader"},
        "train": {
            "epochs": 10,
            "batch_size": 32,
            "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
            "schedule": "one-cycle",
            "clip_norm": 1.0,
        },
    },
    options=Options,
    unused=("evaluate.views", "evaluate.thresholds", "data.augment", "data.normalize", "data.balance", "train.loss"),
    example=EXAMPLE,
)
