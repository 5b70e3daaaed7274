"""Translation: net, objective, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.data.kinds.text import Text
from danlu.messages import choose
from danlu.metrics.base import Metric
from danlu.nn.terms.next_token import NextToken
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.decoding import Decoder
from danlu.tasks.generating.decoder import unwritable
from danlu.tasks.generating.net import writing_net
from danlu.tasks.generating.options import searching
from danlu.tasks.generating.published import begin_of, published_marks, published_writer
from danlu.tasks.generating.task import WritingTask
from danlu.tasks.generating.teacher import NEXT, Teacher
from danlu.tasks.text_input import is_published
from danlu.tasks.translation import texts
from danlu.tasks.translation.baselines import Copy, NearestSentence
from danlu.tasks.translation.decoder import TranslationWriter
from danlu.tasks.translation.scores import Scoring, Translations, counted, require
from danlu.training.objective import Objective

COLUMN = "translation"  # of predictions


class Translation(WritingTask):
    """One text for each; the prediction column ``translation`` holds it."""

    source = "source"

    def net(self) -> nn.Module:
        require()
        source, target = self._kind("source"), self._kind("target")
        if is_published(self.recipe):
            return published_writer(self.recipe, source, target)
        sizes = {
            "vocabulary": source.vocabulary,
            "targets": target.vocabulary,
            "shared": self.recipe.options["shared"],
            "longest": max(source.max_length, target.max_length),
        }
        return writing_net(self.recipe, "seq2seq-transformer", sizes, "targets")

    def objective(self) -> Objective:
        return Objective({"next-token": NextToken(NEXT, label_smoothing=self.recipe.options["label_smoothing"])})

    def transforms(self) -> Sequence[BatchTransform]:
        return (Teacher("target", self._marks[0], self._kind("target").max_length),)

    def decoder(self) -> Decoder:
        target = self._kind("target")
        start, end, banned, forced = self._marks
        plan = {
            "start": start,
            "end": end,
            "most": target.max_length,
            "banned": banned,
            **({"forced": forced} if forced >= 0 else {}),
            **searching(self.recipe.options),
        }
        return TranslationWriter(COLUMN, target.tokenizer, plan, ("own_keys", "own_values", "place"))

    def metrics(self) -> Sequence[Metric]:
        return (Translations(COLUMN, "target", self._kind("target").tokenizer, self.scoring),)

    def baselines(self) -> Sequence[Baseline]:
        return (Copy(COLUMN), NearestSentence(COLUMN))

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """How many edits the reference's words are away, for each of them (TER)."""
        words = self._kind("target").words
        found = []
        for said, meant in zip(predictions[COLUMN], targets["target"], strict=True):
            edits, length = counted(str(said), words.decode(np.asarray(meant).tolist()), self.scoring)[28:]
            found.append(edits / max(1.0, length))
        return np.asarray(found, np.float64)

    def told(self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Source, reference and translation side by side."""
        sides = {name: self._kind(name).draw(values[name]) for name in ("source", "target") if name in values}
        heads = {"source": choose(texts.SOURCE), "target": choose(texts.REFERENCE)}
        return {**{heads[name]: text for name, text in sides.items()}, choose(texts.WRITTEN): str(predictions[COLUMN])}

    @property
    def scoring(self) -> Scoring:
        """sacrebleu's tokenizer."""
        asked = self.recipe.options["scoring"]
        return self._kind("target").found.get("scored", "13a") if asked == "auto" else asked  # type: ignore[no-any-return]

    @cached_property
    def _marks(self) -> tuple[int, int, tuple[int, ...], int]:
        """(what stands before a text, its end, what is never written, what is written first or -1)"""
        words = self._kind("target").words
        if is_published(self.recipe):
            return published_marks(self.recipe, words)
        return begin_of(words), words.end, unwritable(words), -1

    def _kind(self, name: str) -> Text:
        kind = self.data.kinds[name]
        assert isinstance(kind, Text)
        return kind
