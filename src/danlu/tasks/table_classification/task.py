"""Classification of tables: net, objective, metric, baselines."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.metrics.base import Metric
from danlu.metrics.classification import Classification
from danlu.tasks.base import Task
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.boosting import BoostedClasses
from danlu.tasks.baselines.offered import by_kinds
from danlu.tasks.class_loss import class_objective
from danlu.tasks.tables.members import EachMember
from danlu.tasks.tables.net import table_net
from danlu.training.objective import Objective


class TableClassification(Task):
    """One class for each row; prediction columns ``probability`` float32 (B, K) and ``label`` int64 (B,)."""

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data.kinds["label"].classes)  # type: ignore[attr-defined]

    def net(self) -> nn.Module:
        return table_net(self.recipe, self.data, len(self.classes))

    def objective(self) -> Objective:
        made = class_objective(self.recipe, self.data.statistics, "label", self.classes)
        terms = zip(made.names, made.terms.values(), strict=True)
        return Objective({name: EachMember(term) for name, term in terms})  # type: ignore[arg-type]

    def metrics(self) -> Sequence[Metric]:
        return (Classification(len(self.classes), prediction="probability", target="label"),)

    def baselines(self) -> Sequence[Baseline]:
        return (*by_kinds(self.data), BoostedClasses("label", len(self.classes)))
