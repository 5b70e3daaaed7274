"""Multi-label image classification: net, baselines and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.features import suit
from danlu.tasks.baselines.labels import Frequent, OneVsRest
from danlu.tasks.image_input import image_net
from danlu.tasks.label_sets import LabelSets


class MultiLabel(LabelSets):
    """Any number of labels for each image."""

    def net(self) -> nn.Module:
        return image_net(self.recipe, self.data, "image", len(self.classes))

    def baselines(self) -> Sequence[Baseline]:
        """The most frequent labels; one-versus-rest logistic regression, whose thresholds are tuned where the net's are."""
        tuned = self.recipe.evaluate.thresholds
        found: list[Baseline] = [Frequent("labels", len(self.classes))]
        if suit(self.data.kinds, self.data.inputs):
            found.append(OneVsRest("labels", len(self.classes), tuned))
        return found

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None
