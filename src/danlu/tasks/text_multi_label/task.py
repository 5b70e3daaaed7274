"""Multi-label text classification: net and baselines."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.labels import Frequent
from danlu.tasks.baselines.tfidf_labels import TfidfLabels
from danlu.tasks.label_sets import LabelSets
from danlu.tasks.text_input import text_net


class TextMultiLabel(LabelSets):
    """Any number of labels for each text."""

    def net(self) -> nn.Module:
        return text_net(self.recipe, self.data, "text", len(self.classes), labels="labels")

    def baselines(self) -> Sequence[Baseline]:
        """The most frequent labels; TF-IDF and one logistic regression a label, whose thresholds are tuned where the net's are."""
        solid = bool(getattr(self.data.kinds["text"], "solid", False))
        count, tuned = len(self.classes), self.recipe.evaluate.thresholds
        return (Frequent("labels", count), TfidfLabels("labels", count, ("text",), solid, tuned))
