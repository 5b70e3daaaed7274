"""``danlu.fit``: the loop for an own net, without a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.nn.terms.base import Term
from danlu.recipe import names
from danlu.recipe.schema import Named, named
from danlu.training.evaluation import judge as judge_part
from danlu.training.events import Watcher
from danlu.training.feeds import TARGET, LoaderFeed, TensorFeed
from danlu.training.loop import Fitted
from danlu.training.loop import fit as run_loop
from danlu.training.objective import Objective
from danlu.training.plan import Feed, Judged, Plan
from danlu.training.precision import Precision


class MeanLoss(Term):
    """An own loss ``loss(outputs, target) → 0-d mean over samples`` as a term: S = mean·n, C = n.

    Exact under accumulation where the loss is a plain mean over the samples (as torch's defaults are); a loss that divides by something
    else (class weights, ignored labels) wants a :class:`Term` of its own.
    """

    def __init__(self, loss: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__(TARGET)
        self.loss = loss

    def count(self, batch: Batch) -> Tensor:
        target = batch[TARGET]
        assert isinstance(target, Tensor)
        return torch.tensor(float(len(target)), dtype=torch.float64, device=target.device)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        target = batch[TARGET]
        assert isinstance(target, Tensor)
        return self.loss(outputs, target) * len(target)


def fit(
    net: nn.Module,
    objective: Objective | Term | str | dict[str, Any] | Callable[[Any, Tensor], Tensor],
    data: Any,
    plan: Plan | None = None,
    *,
    validation: Any = None,
    batch_size: int = 128,
    folder: str | Path | None = None,
    resume: bool = False,
    watchers: Sequence[Watcher] = (),
    **changes: Any,
) -> Fitted:
    """Train an own net with the loop, its exactness and its checkpoints.

    objective: an :class:`Objective`, a term, a loss by name ("cross-entropy", {"name": "focal", "gamma": 2}), or any callable
    (outputs, target) → mean loss. data: a feed of batches, a tuple of tensors or arrays (inputs…, target) (N, …), or a DataLoader of
    such tuples. validation: the same kinds; judged by the objective after every epoch. changes: fields of :class:`Plan` by
    name (epochs=5, lr=1e-3, optimizer="sgd", schedule="cosine", …).
    folder: where checkpoints go; with ``resume`` training continues from the newest.
    """
    if isinstance(changes.get("optimizer"), str):
        changes["optimizer"] = names.load_object(names.resolve("optimizer", changes["optimizer"], "optimizer"))
    if isinstance(changes.get("schedule"), (str, dict)):
        changes["schedule"] = names.build("schedule", Named(**named(changes["schedule"])), "schedule")
    chosen = replace(plan or Plan(), **changes)
    if folder is not None:
        chosen = replace(chosen, checkpoint=replace(chosen.checkpoint, folder=Path(folder)))
    net.to(chosen.device)
    goal = as_objective(objective).to(chosen.device)
    judge = None
    if validation is not None:
        held_out = as_feed(validation, batch_size, chosen, shuffle=False)

        def judge(judged: nn.Module) -> Judged:
            precision = Precision(chosen.precision, chosen.device)
            return judge_part(
                judged, held_out, "val", decode=lambda outputs, batch: {}, metrics=(), targets=(), kinds=chosen.kinds,
                precision=precision, objective=goal,
            )  # fmt: skip

        if chosen.monitor is None:
            chosen = replace(chosen, monitor=("val/loss", -1))
    return run_loop(net, goal, as_feed(data, batch_size, chosen), chosen, judge=judge, watchers=watchers, resume=resume)


def as_objective(objective: Any) -> Objective:
    """Whatever :func:`fit` accepts as an objective."""
    if isinstance(objective, Objective):
        return objective
    if isinstance(objective, Term):
        return Objective({"loss": objective})
    if isinstance(objective, (str, dict)):
        term = Named(**named(objective))
        return Objective({term.name: names.build("loss", term, "objective", target=TARGET)})
    return Objective({"loss": MeanLoss(objective)})


def as_feed(data: Any, batch_size: int, plan: Plan, *, shuffle: bool = True) -> Feed:
    """Whatever :func:`fit` accepts as data."""
    if hasattr(data, "epoch"):
        return data  # type: ignore[no-any-return]
    if isinstance(data, (tuple, list)):
        return TensorFeed(data, batch_size, plan.seed, plan.device, shuffle)
    return LoaderFeed(data, plan.seed, plan.device)
