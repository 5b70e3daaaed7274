"""Face recognition: net, objective, metrics and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from danlu.errors import DataError, RecipeError
from danlu.messages import choose
from danlu.metrics.base import Metric
from danlu.metrics.verification import Verification
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.explaining import Aim, place_of, similarity
from danlu.tasks.face_recognition import texts
from danlu.tasks.face_recognition.baseline import Eigenfaces, Pixels
from danlu.tasks.face_recognition.net import Embedder
from danlu.tasks.image_input import image_net
from danlu.training.objective import Objective

MIXING = ("mixup", "cutmix")


class FaceRecognition(Task):
    """An embedding for each picture; the prediction column ``embedding`` is float32 (B, D), each of length 1."""

    @property
    def learnt(self) -> tuple[int, ...]:
        """Which identities, as indices into the column's classes, have training pictures: one centre each, in this order."""
        counts = np.asarray(self.data.statistics["identity"].get("counts", ()))
        return tuple(np.flatnonzero(counts).tolist())

    def net(self) -> nn.Module:
        if len(self.learnt) < 2:
            raise DataError.of(
                self.recipe.data.source, choose(texts.FEW).format(count=len(self.learnt)), choose(texts.FEW_REMEDY)
            )
        dimensions = self.recipe.options["dimensions"]
        return Embedder(image_net(self.recipe, self.data, "image", dimensions), dimensions, len(self.learnt))

    def objective(self) -> Objective:
        for chosen in self.recipe.data.augment:
            if chosen.name in MIXING:
                where = self.recipe.where("data.augment")
                raise RecipeError.of(where, choose(texts.MIXED).format(name=chosen.name), choose(texts.MIXED_REMEDY))
        loss = self.recipe.train.loss or Named(name="arcface")
        term = names.build(
            "loss",
            loss,
            self.recipe.where("train.loss"),
            target="identity",
            output="cosine",
            centres=self.learnt,
        )
        return Objective({loss.name: term})

    def metrics(self) -> Sequence[Metric]:
        return (Verification(),)

    def baselines(self) -> Sequence[Baseline]:
        return (Pixels(), Eigenfaces("identity"))

    def explained(self, outputs: Any, asked: str | None = None, beside: Any = None) -> Aim:
        """Likeness to another picture, else to the identity among those learnt that is likest."""
        if beside is not None:
            likeness = similarity(beside["embedding"])
            return Aim("likeness", lambda given: likeness(given["embedding"]))
        names = [self.data.kinds["identity"].classes[place] for place in self.learnt]  # type: ignore[attr-defined]
        place = int(outputs["cosine"][0].argmax()) if asked is None else place_of(asked, names)
        return Aim(names[place], lambda given: given["cosine"][:, place])

    def show(
        self, values: Mapping[str, np.ndarray], predictions: Mapping[str, Any] | None = None, index: int = 0
    ) -> np.ndarray | None:
        picture = self.data.kinds["image"].draw(values["image"])
        return picture if isinstance(picture, np.ndarray) else None
