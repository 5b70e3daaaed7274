"""Multi-label classification of tables: net, objective, baselines."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from danlu.recipe.schema import Named
from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.labels import Frequent, OneVsRest
from danlu.tasks.label_sets import LabelSets
from danlu.tasks.tables.members import EachMember
from danlu.tasks.tables.net import table_net
from danlu.training.objective import Objective


class TableMultiLabel(LabelSets):
    """Any number of labels for each row."""

    def net(self) -> nn.Module:
        return table_net(self.recipe, self.data, len(self.classes))

    def objective(self) -> Objective:
        loss = self.recipe.train.loss or Named(name="binary-cross-entropy")
        return Objective({loss.name: EachMember(self.term())})

    def baselines(self) -> Sequence[Baseline]:
        tuned = self.recipe.evaluate.thresholds
        return (Frequent("labels", len(self.classes)), OneVsRest("labels", len(self.classes), tuned))
