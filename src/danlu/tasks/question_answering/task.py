"""Question answering: net, objective, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.data.kinds.answers import answered
from danlu.data.kinds.passage import Passage
from danlu.messages import choose
from danlu.metrics.base import Metric
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.question_answering import texts
from danlu.tasks.question_answering.baselines import BestOverlap, NoAnswer
from danlu.tasks.question_answering.decoder import SpanDecoder, highlighted
from danlu.tasks.question_answering.metrics import SpanScores, scores
from danlu.tasks.question_answering.nets import reader
from danlu.tasks.question_answering.term import Span
from danlu.training.objective import Objective


class QuestionAnswering(Task):
    """A part of the text, or none; prediction columns as :meth:`SpanDecoder.decode` gives them."""

    def net(self) -> nn.Module:
        return reader(self.recipe, self.data)

    def objective(self) -> Objective:
        passage = self.data.kinds["context"]
        assert isinstance(passage, Passage)
        return Objective({"span": Span("answers", "context", passage.window, passage.stride)})

    def metrics(self) -> Sequence[Metric]:
        return (SpanScores("answers", self._rule),)

    @property
    def _rule(self) -> str:
        decoder = self.decoder()
        assert isinstance(decoder, SpanDecoder)
        return decoder.rule

    def baselines(self) -> Sequence[Baseline]:
        nulls = self.data.kinds["answers"].unanswerable  # type: ignore[attr-defined]
        return (NoAnswer(), BestOverlap(nulls, self._rule)) if nulls else (BestOverlap(nulls, self._rule),)

    def told(self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any]) -> Mapping[str, str] | None:
        """The question, what counts as right, and the answer where it stands."""
        known = answered(np.asarray(values["answers"]))
        start, end = (int(each) for each in np.asarray(predictions["span"]))
        none = choose(texts.NO_ANSWER)
        return {
            choose(texts.QUESTION): self.data.kinds["question"].draw(values["question"]),  # type: ignore[dict-item]
            choose(texts.WANTED): " | ".join(dict.fromkeys(known.answers)) or none,
            choose(texts.ANSWER): known.text[start:end] if start >= 0 else none,
            choose(texts.SHOWN): highlighted(known.text, max(0, start), max(0, end)) if start >= 0 else "–",
        }

    def faults(self, predictions: Mapping[str, Any], targets: Mapping[str, Any]) -> np.ndarray | None:
        """1 - F1."""
        known = [answered(np.asarray(value)) for value in targets["answers"]]
        spans = np.asarray([np.asarray(span) for span in predictions["span"]], np.int64).reshape(-1, 2)
        return np.asarray(1.0 - scores(spans, known, self._rule)[1])
