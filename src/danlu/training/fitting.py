"""``danlu.fit``: the loop for an own net, without a recipe."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import RecipeError, RunError
from danlu.messages import say
from danlu.nn.norm_layers import batch_norms
from danlu.nn.terms.base import Term, known
from danlu.recipe import names
from danlu.recipe.schema import Named, named
from danlu.training.checkpoint import listed
from danlu.training.evaluation import judge as judge_part
from danlu.training.events import Event, Said, Watcher
from danlu.training.feeds import TARGET, LoaderFeed, TensorFeed
from danlu.training.lock import held
from danlu.training.loop import Fitted
from danlu.training.loop import fit as run_loop
from danlu.training.objective import Objective
from danlu.training.plan import Feed, Judged, Plan
from danlu.training.precision import Precision
from danlu.training.schedules.reduce_on_plateau import ReduceOnPlateau
from danlu.training.slots.stoppers import no_metric


class MeanLoss(Term):
    """An own loss ``loss(outputs, target) → 0-d mean over samples`` as a term: S = mean·n, C = n.

    Exact under accumulation where the loss is a plain mean over the samples (as torch's defaults are). torch's cross entropy and NLL,
    which divide by the class weights of the labels that are not ignored, are counted so. Any other loss that divides by something else
    wants a :class:`Term` of its own. Raises RecipeError for torch's losses with ``reduction`` "sum" or "none".
    """

    def __init__(self, loss: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__(TARGET)
        loss = nn.CrossEntropyLoss() if loss is F.cross_entropy else nn.NLLLoss() if loss is F.nll_loss else loss
        reduction = getattr(loss, "reduction", "mean")
        if reduction in ("sum", "none"):
            what = say("accumulation.reduction", loss=type(loss).__name__, reduction=reduction)
            raise RecipeError.of("objective", what, say("accumulation.reduction.remedy"))
        self.loss = loss
        self.total = None
        if isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
            self.total = copy.copy(loss)
            self.total.reduction = "sum"

    def count(self, batch: Batch) -> Tensor:
        target = batch[TARGET]
        assert isinstance(target, Tensor)
        if self.total is None or target.is_floating_point():
            return torch.tensor(float(len(target)), dtype=torch.float64, device=target.device)
        if self.total.weight is None:
            return known(target, self.total.ignore_index)
        kept = target != self.total.ignore_index
        return (self.total.weight.double()[torch.where(kept, target, 0)] * kept).sum()

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        target = batch[TARGET]
        assert isinstance(target, Tensor)
        if self.total is None or target.is_floating_point():
            return self.loss(outputs, target) * len(target)
        summed: Tensor = self.total(outputs, target)  # a mean of nothing would be NaN
        return summed


class Aloud:
    """A watcher for whoever brings none: what a person should hear of becomes a Python warning."""

    def on(self, event: Event) -> None:
        if isinstance(event, Said) and event.level == "warning":
            warnings.warn(event.text, stacklevel=2)

    def close(self) -> None:
        pass


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
    name (epochs=5, lr=1e-3, optimizer="sgd", schedule="cosine", unfreeze="gradual", …).
    folder: where checkpoints go and, under ``captures``, the batches of steps that were NaN or infinite; with ``resume`` training
    continues from the newest, without it there must be none. Two processes can't have one folder. watchers: are told everything;
    where there are none, what should be heard of is a Python warning.
    """
    watchers = watchers or (Aloud(),)
    if isinstance(changes.get("optimizer"), str):
        changes["optimizer"] = names.load_object(names.resolve("optimizer", changes["optimizer"], "optimizer"))
    if isinstance(changes.get("schedule"), (str, dict)):
        changes["schedule"] = names.build("schedule", Named(**named(changes["schedule"])), "schedule")
    if isinstance(changes.get("unfreeze"), (str, dict)):
        changes["unfreeze"] = names.build("unfreeze", Named(**named(changes["unfreeze"])), "unfreeze")
    chosen = replace(plan or Plan(), **changes)
    if isinstance(chosen.schedule, ReduceOnPlateau) and chosen.plateau is None:
        chosen = replace(chosen, plateau=(chosen.schedule.monitor, -1))
    if folder is not None:
        if not resume and listed(Path(folder)):
            raise RunError.of(str(folder), say("training.folder-taken"), say("training.folder-taken.remedy"))
        captures = chosen.captures or Path(folder) / "captures"
        chosen = replace(chosen, checkpoint=replace(chosen.checkpoint, folder=Path(folder)), captures=captures)
    net.to(chosen.device)
    norms = batch_norms(net) if chosen.accumulate > 1 else []
    if norms:
        names_ = ", ".join(norms[:3]) + (", …" if len(norms) > 3 else "")
        text = say("accumulation.batch-norm", names=names_, count=chosen.accumulate)
        for watcher in watchers:
            watcher.on(Said(0, 0, text, "warning"))
    goal = as_objective(objective).to(chosen.device)
    feed = as_feed(data, batch_size, chosen)
    _refuse(chosen, goal, len(feed), validation is not None)
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
    with held(chosen.checkpoint.folder):
        return run_loop(net, goal, feed, chosen, judge=judge, watchers=watchers, resume=resume)


def _refuse(plan: Plan, objective: Objective, micros: int, judged: bool) -> None:
    """Raises RecipeError for what a plan asks and can't be given. micros: of an epoch. judged: whether there are evaluations."""
    if plan.precision == "fp16" and plan.device.type == "cpu":
        raise RecipeError.of("precision", say("runs.fp16-cpu"), say("runs.fp16-cpu.remedy"))
    if plan.ema is not None and plan.swa is not None:
        raise RecipeError.of("swa", say("recipe.clash.two-averages"), say("recipe.clash.two-averages.remedy"))
    steps = plan.epochs * -(-micros // plan.accumulate)
    steps = min(steps, plan.max_steps or steps)
    if plan.warmup and plan.warmup >= steps:
        what = say("runs.warmup", warmup=plan.warmup, steps=steps)
        raise RecipeError.of("warmup", what, say("recipe.clash.warmup.remedy"))
    known = ["val/loss", *(f"val/loss/{name}" for name in objective.names if len(objective.names) > 1)]
    for key, asked in (("monitor", plan.monitor), ("early_stop", plan.early_stop), ("schedule", plan.plateau)):
        if asked is not None and not judged:
            what, remedy = say("training.no-validation", key=key), say("training.no-validation.remedy", key=key)
            raise RecipeError.of(key, what, remedy)
        if asked is not None and asked[0] not in known:
            raise RecipeError([no_metric(key, asked[0], known)])


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
