"""Regression on tables: net, objective, metric, baselines."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.data.kinds.features import Features
from danlu.metrics.base import Metric
from danlu.metrics.regression import Regression
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.boosting import BoostedNumber
from danlu.tasks.baselines.naive import SeasonalNaive, lags_of
from danlu.tasks.baselines.offered import by_kinds
from danlu.tasks.decoding import Decoder
from danlu.tasks.table_regression.decoder import NumberDecoder
from danlu.tasks.tables.members import EachMember
from danlu.tasks.tables.net import table_net
from danlu.training.objective import Objective


class TableRegression(Task):
    """One number for each row; prediction column ``value`` float32 (B,). The net learns the target standardised by training rows."""

    def net(self) -> nn.Module:
        return table_net(self.recipe, self.data, 1)

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="mse")
        term = names.build("loss", loss, self.recipe.where("train.loss"), target="value")
        return Objective({loss.name: EachMember(term, numbers=True, mean=self._mean, std=self._std)})

    def metrics(self) -> Sequence[Metric]:
        return (Regression(prediction="value", target="value"),)

    def decoder(self) -> Decoder:
        made = NumberDecoder(self._mean, self._std, float(self.recipe.options["level"]))
        return made if self._offsets is None else made.moved(self._offsets)

    def baselines(self) -> Sequence[Baseline]:
        kind = self.data.kinds["features"]
        assert isinstance(kind, Features)
        naive = (SeasonalNaive("value", kind),) if lags_of(kind, "value") else ()
        return (*by_kinds(self.data), BoostedNumber("value"), *naive)

    @property
    def _mean(self) -> float:
        return float(self.data.statistics["value"]["mean"])

    @property
    def _std(self) -> float:
        return float(self.data.statistics["value"]["std"]) or 1.0
