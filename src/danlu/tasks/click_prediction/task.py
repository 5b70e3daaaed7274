"""Click prediction: net, objective, metrics, baselines."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.metrics.base import Metric
from danlu.metrics.clicks import Clicks
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.boosting import BoostedClasses
from danlu.tasks.click_prediction.baselines import BoostedClicks, LinearIds, Rate
from danlu.tasks.click_prediction.decoder import ClickDecoder
from danlu.tasks.click_prediction.loss import OneLogit
from danlu.tasks.tables.net import table_net
from danlu.training.objective import Objective

SPARSE = ("rowwise-adagrad", "sparse-adam")


class ClickPrediction(Task):
    """Prediction columns ``probability`` float32 (B, 2) and ``click`` int64 (B,)."""

    def net(self) -> nn.Module:
        made = self.decoder()  # refuses what is no yes or no before anything is built
        assert isinstance(made, ClickDecoder)
        return table_net(self.recipe, self.data, 1, sparse=self._sparse)

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        term = names.build("loss", loss, self.recipe.where("train.loss"), target="click")
        return Objective({loss.name: OneLogit(term)})

    def metrics(self) -> Sequence[Metric]:
        return (Clicks(positive=self._click.positive),)

    def baselines(self) -> Sequence[Baseline]:
        click = self._click
        rest = (click.offset, click.positive)
        trees = BoostedClasses("click", 2)
        return (Rate("click", *rest), LinearIds("click", *rest), BoostedClicks(trees, *rest))

    @property
    def _click(self) -> ClickDecoder:
        made = self.decoder()
        assert isinstance(made, ClickDecoder)
        return made

    @property
    def _sparse(self) -> bool:
        """Whether gradients hold the batch's rows alone. Raises RecipeError where the optimizer can't do with that."""
        name, asked = self.recipe.train.optimizer.name, self.recipe.options["sparse"]
        wanted = name in SPARSE if asked == "auto" else bool(asked)
        if wanted and name not in SPARSE and ":" not in name:
            where = self.recipe.where("train.optimizer.name")
            raise RecipeError.of(where, say("recommendation.dense", name=name, sparse=", ".join(SPARSE)))
        return wanted
