"""Image classification: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.metrics.classification import Classification
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.image_input import image_net
from danlu.training.objective import Objective


class ImageClassification(Task):
    """One label for each image; prediction columns ``probability`` float32 (B, K) and ``label`` int64 (B,)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["label"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return image_net(self.recipe, self.data, "image", len(self.classes))

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="cross-entropy")
        context: dict[str, Any] = {"target": "label"}
        if self.recipe.data.balance == "class-weights":
            context["class_weights"] = self._class_weights()
        if self.recipe.data.balance == "logit-adjustment":
            context["logit_offsets"] = self._log_shares()
        for key, text in (("class_weights", "class-weights"), ("logit_offsets", "logit-offsets")):
            given = loss.args.get(key)
            if given is not None and len(given) != len(self.classes):
                few = ", ".join(self.classes[:5]) + (", …" if len(self.classes) > 5 else "")
                what = say(f"nn.{text}", given=len(given), classes=len(self.classes), names=few)
                raise RecipeError.of(self.recipe.where(f"train.loss.{key}"), what, say(f"nn.{text}.remedy"))
        return Objective({loss.name: names.build("loss", loss, self.recipe.where("train.loss"), **context)})

    def metrics(self) -> Sequence[Metric]:
        return (Classification(len(self.classes), prediction="probability", target="label"),)

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None

    def _class_weights(self) -> tuple[float, ...]:
        """n / (K·n_c) over training rows: scikit-learn's "balanced"."""
        counts = np.asarray(self.data.statistics["label"]["counts"])
        return tuple(float(w) for w in counts.sum() / (len(counts) * np.maximum(counts, 1)))

    def _log_shares(self) -> tuple[float, ...]:
        """log(n_c / n) over training rows: τ = 1 of Menon et al. (2021). A class without rows counts as one of a single row."""
        counts = np.asarray(self.data.statistics["label"]["counts"])
        return tuple(float(share) for share in np.log(np.maximum(counts, 1) / counts.sum()))
