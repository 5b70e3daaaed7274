"""Text generation: net, objective, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.data.kinds.text import Text
from danlu.metrics.base import Metric
from danlu.nn.terms.next_token import NextToken
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.decoding import Decoder
from danlu.tasks.generating.decoder import unwritable
from danlu.tasks.generating.net import writing_net
from danlu.tasks.generating.options import searching
from danlu.tasks.generating.published import begin_of, published_continuer
from danlu.tasks.generating.task import WritingTask
from danlu.tasks.generating.teacher import NEXT, NextTokens, Teacher, told
from danlu.tasks.text_generation.decoder import Continuation
from danlu.tasks.text_generation.ngrams import Ngrams
from danlu.tasks.text_input import is_published
from danlu.training.evaluation import Taught
from danlu.training.objective import Objective

COLUMN = "continuation"  # of answers


class TextGeneration(WritingTask):
    """Judged by how likely true texts are to it; columns ``tokens``, ``right``, ``surprise`` (nats) of each passage are kept."""

    source = "text"

    def net(self) -> nn.Module:
        kind = self._kind
        if is_published(self.recipe):
            return published_continuer(self.recipe, kind)
        sizes = {
            "targets": kind.vocabulary,
            "longest": kind.longest + self.recipe.options["new_tokens"] + 1,
            "begin": self._begin,
        }
        return writing_net(self.recipe, "gpt", sizes, "targets", without="vocabulary")

    def objective(self) -> Objective:
        return Objective({"next-token": NextToken(NEXT, label_smoothing=self.recipe.options["label_smoothing"])})

    def transforms(self) -> Sequence[BatchTransform]:
        return (Teacher("text", self._begin, self._kind.max_length),)

    def taught(self) -> Taught | None:
        return Taught(told, self.metrics(), answers=False)

    def decoder(self) -> Decoder:
        kind, options = self._kind, self.recipe.options
        plan: dict[str, Any] = {
            "start": self._begin,
            "end": kind.words.end,
            "most": options["new_tokens"],
            "banned": unwritable(kind.words),
            "seed": self.recipe.seed,
            **searching(options),
        }
        return Continuation(COLUMN, kind.tokenizer, plan, ("own_keys", "own_values", "seen", "place"))

    def metrics(self) -> Sequence[Metric]:
        return (NextTokens(),)

    def baselines(self) -> Sequence[Baseline]:
        return (Ngrams("text", self._kind, self._begin),)

    @property
    def _begin(self) -> int:
        """The id before the first token."""
        return begin_of(self._kind.words)

    @property
    def _kind(self) -> Any:
        kind = self.data.kinds["text"]
        assert isinstance(kind, Text)
        return kind
