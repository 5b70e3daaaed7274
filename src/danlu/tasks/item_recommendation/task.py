"""Item recommendation: net, objective, drawn items, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from torch import nn

from danlu.data.augment.base import BatchTransform
from danlu.data.dataset import Dataset
from danlu.data.split import PARTS
from danlu.errors import RecipeError
from danlu.large.arrays import blocks, zeros
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.metrics.ranking import Ranking
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.item_to_item import MOST
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.catalogue import Catalogue
from danlu.tasks.interactions.catalogue import catalogue
from danlu.tasks.interactions.scorer import scorer
from danlu.tasks.interactions.shrinkage import shrunk
from danlu.tasks.item_recommendation.baselines import ClosedForm
from danlu.tasks.item_recommendation.decoder import JUDGED
from danlu.tasks.item_recommendation.drawing import LIKED, Asked, Negatives
from danlu.tasks.item_recommendation.net import Recommender
from danlu.training.objective import Objective

_BESIDE = 10_000  # items up to which the matrices of the baselines are made without being asked


class ItemRecommendation(Task):
    """Prediction columns ``user`` int64 (B,), ``items`` int32 (B, k), ``scores`` float32 (B, k)."""

    @property
    def users(self) -> int:
        return len(self.data.kinds["user"].names)  # type: ignore[attr-defined]

    @property
    def items(self) -> int:
        return len(self.data.kinds["item"].names)  # type: ignore[attr-defined]

    @cached_property
    def parts(self) -> np.ndarray:
        """int64 (N,): the part of every row, that of the test for rows in none."""
        return parts_of(self.data)

    def known(self, ordered: bool = False) -> Interactions:
        """Who met what; nothing where the data have no rows. ordered: by time; raises RecipeError where none is known."""
        if not len(self.data):
            nothing = np.empty(0, np.int64)
            return Interactions(self.users, self.items, nothing, nothing, nothing)
        user, item = pairs_of(self.data)
        when = None
        if ordered:
            if "time" not in self.data.kinds:
                what = say("recommendation.no-times", name=self.recipe.model.name)
                raise RecipeError.of(self.recipe.where("model.name"), what, say("recommendation.no-time.remedy"))
            when = np.asarray(self.data.store.gather("time", np.arange(len(self.data)))).reshape(-1)
        return Interactions(self.users, self.items, user, item, self.parts, when)

    def net(self) -> nn.Module:
        model = self.recipe.model
        return self._recommender(Named(name=model.name, args=dict(model.args)), "model")

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="bpr")
        term = names.build("loss", loss, self.recipe.where("train.loss"), target=LIKED)
        return shrunk(loss.name, term, self.recipe.options["l2"], LIKED)

    def transforms(self) -> Sequence[BatchTransform]:
        return (Asked(self.parts, self.recipe.options["liked"]),)

    def training_transforms(self, augment: Sequence[BatchTransform]) -> Sequence[BatchTransform]:
        options = self.recipe.options
        try:
            return (Negatives(self.known(), options["negatives"], options["liked"]),)
        except ValueError as error:
            raise RecipeError.of(self.recipe.where("data.source"), say("recommendation.all-met")) from error

    def metrics(self) -> Sequence[Metric]:
        options = self.recipe.options
        counts, groups = None, None
        if len(self.data) and len(self.data.parts.get("train", ())):
            counts, groups = self._popularity
        return (
            Ranking(
                sorted({JUDGED, *options["k"]}), counts=counts, users=self.users, liked=options["liked"], groups=groups
            ),
        )

    def baselines(self) -> Sequence[Baseline]:
        offered = ["popularity"] + (["item-knn", "ease"] if self.items <= min(_BESIDE, MOST) else [])
        return [self._beside(name) for name in offered]

    def _beside(self, name: str) -> Baseline:
        def make() -> nn.Module:
            return self._recommender(Named(name=name), "model")

        return ClosedForm(name, make, self.decoder(), self._parts_asked)

    def _parts_asked(self, rows: np.ndarray, user: np.ndarray) -> np.ndarray:
        """Of rows of the run's own data; rows of others are asked about after everything that is known."""
        own = len(rows) and int(rows.max()) < len(self.data)
        if own and np.array_equal(np.asarray(self.data.store.gather("user", rows)).reshape(-1), user):
            return np.asarray(self.parts[rows])
        return np.full(len(rows), PARTS.index("test"), np.int64)

    @cached_property
    def _popularity(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(users who met each item; the third of the users who met least, and so on)."""
        user, item = self.known().learnt()
        many = np.bincount(user, minlength=self.users)
        order = np.argsort(many, kind="stable")
        thirds = np.array_split(order, 3)
        groups = {name: np.sort(third) for name, third in zip(("few", "some", "many"), thirds, strict=True)}
        return np.bincount(item, minlength=self.items), groups

    def catalogue(self, net: nn.Module) -> Catalogue | None:
        kinds = self.data.kinds
        return catalogue(net.scorer, net.known, kinds["user"], kinds["item"])  # type: ignore[arg-type]

    def _recommender(self, model: Named, key: str) -> nn.Module:
        where = self.recipe.where(f"{key}.name")
        target = names.load_object(names.resolve("net", model.name, where), where)
        known = self.known(bool(getattr(target, "ordered", False)))
        return Recommender(scorer(model, self.recipe, known, key), known, bool(self.recipe.options["l2"]))


def parts_of(data: Dataset) -> np.ndarray:
    """int64 (N,): code of every row's part, that of the test for rows in none."""
    codes = zeros(len(data), np.int64)
    codes[:] = PARTS.index("test")
    for code, part in enumerate(PARTS):
        codes[data.parts.get(part, np.empty(0, np.int64))] = code
    return codes


def pairs_of(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """int64 (N,), (N,): user and item of every row."""
    user, item = zeros(len(data), np.int64), zeros(len(data), np.int64)
    for some in blocks(len(data), user, item):
        rows = np.arange(some.start, some.stop, dtype=np.int64)
        for name, values in (("user", user), ("item", item)):
            values[some] = np.asarray(data.store.gather(name, rows)).reshape(-1)
    return user, item
