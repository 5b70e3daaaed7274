"""Rating prediction: net, objective and metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from danlu.metrics.base import Metric
from danlu.metrics.regression import Regression
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.terms.mse import MSE
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.constant import Mean
from danlu.tasks.interactions.scorer import scorer
from danlu.tasks.interactions.shrinkage import Valued, beside
from danlu.tasks.rating_prediction.baselines import Biases
from danlu.tasks.rating_prediction.closed import SquaredErrors
from danlu.tasks.rating_prediction.net import Rater
from danlu.training.objective import Objective


class RatingPrediction(Task):
    """One number for each pair; the prediction column ``rating`` is float32 (B,)."""

    def net(self) -> nn.Module:
        users, items = (len(self.data.kinds[name].names) for name in ("user", "item"))  # type: ignore[attr-defined]
        nothing = np.empty(0, np.int64)
        model, found = self.recipe.model, self.data.statistics["rating"]
        made = scorer(
            Named(name=model.name, args=dict(model.args)),
            self.recipe,
            Interactions(users, items, *[nothing] * 3),
            "model",
        )
        return Rater(made, found["mean"], found["std"], bool(self.recipe.options["l2"]))

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="mse")
        term = names.build("loss", loss, self.recipe.where("train.loss"), target="rating")
        terms, weights = beside(loss.name, Valued(term), self.recipe.options["l2"])
        plain = type(term) is MSE
        return SquaredErrors(terms, weights, self.recipe.options["l2"]) if plain else Objective(terms, weights)

    def metrics(self) -> Sequence[Metric]:
        return (Regression(prediction="rating", target="rating"),)

    def baselines(self) -> Sequence[Baseline]:
        return (Mean("rating"), Biases(self.data)) if len(self.data) else (Mean("rating"),)
