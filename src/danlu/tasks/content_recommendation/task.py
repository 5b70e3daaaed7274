"""Content recommendation: net, objective, baselines; the rest is item recommendation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.data.kinds.catalogue import Catalogue
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.embedding.items import Items
from danlu.randomness import Position
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.content_recommendation.net import ContentRecommender
from danlu.tasks.interactions.scorer import parameters_of
from danlu.tasks.item_recommendation.baselines import ClosedForm
from danlu.tasks.item_recommendation.drawing import LIKED, Asking
from danlu.tasks.item_recommendation.task import ItemRecommendation, pairs_of
from danlu.training.objective import Objective


class Met(Asking):
    """The items that were met are an input: each is another's negative."""

    training = True

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        item: Any = batch["item"]
        user: Any = batch["user"]
        made = batch.with_columns(
            part=user.new_zeros(len(user)), met=item.clamp_min(0), **{LIKED: self.counting(batch)}
        )
        return replace(made, inputs=("user", "part", "met"))

    def __str__(self) -> str:
        return "met"


class ContentRecommendation(ItemRecommendation):
    """Prediction columns ``user`` int64 (B,), ``items`` int32 (B, k), ``scores`` float32 (B, k), ``because`` int32 (B, 3·k)."""

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="info-nce")
        return Objective({loss.name: names.build("loss", loss, self.recipe.where("train.loss"), target=LIKED)})

    def training_transforms(self, augment: Sequence[BatchTransform]) -> Sequence[BatchTransform]:
        return (Met(self.recipe.options["liked"]),)

    def baselines(self) -> Sequence[Baseline]:
        def popular() -> nn.Module:
            return ContentRecommender(_Popular(self.known()), self.known(), self._fresh)

        return (ClosedForm("popularity", popular, self.decoder(), self._parts_asked), self._beside("tf-idf"))

    @cached_property
    def _fresh(self) -> bool:
        """Whether items are divided: not where the source itself says which rows are judged, and these are of items that were met."""
        if self.recipe.options["split"] != "items" or not len(self.data):
            return bool(self.recipe.options["split"] == "items")
        item, parts = pairs_of(self.data)[1], self.data.parts
        met = item[parts.get("train", ())]
        judged = np.concatenate([item[parts[part]] for part in ("val", "test") if part in parts] or [item[:0]])
        return not np.isin(judged[judged >= 0], met).any()

    def _recommender(self, model: Named, key: str) -> nn.Module:
        where = self.recipe.where(f"{key}.name")
        target = names.load_object(names.resolve("net", model.name, where), where)
        kind = self.data.kinds["item"]
        assert isinstance(kind, Catalogue)
        if not {"users", "items", "content"} <= parameters_of(target):
            raise RecipeError.of(where, say("content.no-net", name=model.name), say("content.no-net.remedy"))
        if not kind.known.terms and not kind.known.number_names:
            raise RecipeError.of(self.recipe.where("options.id"), say("content.none"), say("content.none.remedy"))
        known = self.known()
        context = {
            "users": self.users,
            "items": self.items,
            "content": Items(*kind.known.arrays()),
            "interactions": known,
        }
        args = dict(model.args) if model.name == self.recipe.model.name else {}
        made = names.construct(
            target, Named(name=model.name, args=args), self.recipe.under(f"{key}.args"),
            **{name: value for name, value in context.items() if name in parameters_of(target)},
        )  # fmt: skip
        return ContentRecommender(made, known, self._fresh)


class _Popular(nn.Module):
    """The same for everybody."""

    def __init__(self, known: Any) -> None:
        super().__init__()
        import torch

        self.counts = torch.from_numpy(known.counts()).float()

    def scores(self, users: Any, part: Any) -> Any:
        return self.counts.expand(len(users), -1)

    def like(self, items: Any) -> Any:
        return self.counts.expand(len(items), -1)
