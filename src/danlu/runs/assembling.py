"""A recipe becomes the loop's parts: data, task, net, objective, plan, batches, judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from danlu.data.augment import pipeline
from danlu.data.batches.batch import Batch
from danlu.data.batches.batches import Batches
from danlu.data.dataset import Dataset
from danlu.data.prepare import prepare
from danlu.data.progress import heard_by
from danlu.data.table import Part
from danlu.errors import RecipeError
from danlu.messages import say
from danlu.randomness import Position, key_of
from danlu.recipe import names
from danlu.recipe.located import located
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import TaskSpec
from danlu.runs import choices as auto
from danlu.runs import parity
from danlu.runs.adapted import attach, unfreezing
from danlu.runs.batch_size import LEAST, choose
from danlu.runs.folder import RunFolder
from danlu.runs.trials import Trials
from danlu.tasks.base import Task
from danlu.training.evaluation import Keep, judge
from danlu.training.events import Event
from danlu.training.finder import find_rate
from danlu.training.objective import Objective
from danlu.training.plan import CheckpointPolicy, Judged, Plan
from danlu.training.precision import Name, Precision
from danlu.training.schedules.reduce_on_plateau import ReduceOnPlateau
from danlu.training.slots.parameters import freeze_for_good

Progress = Callable[[str, int, int], None]
Tell = Callable[[Event], None]
Note = Callable[..., Any]


@dataclass(kw_only=True)
class Bench:
    """What judging needs: training builds on it, evaluation needs no more."""

    recipe: Recipe
    spec: TaskSpec
    data: Dataset
    task: Task
    net: nn.Module
    objective: Objective
    device: torch.device
    precision: Name
    feeds: dict[Part, Batches] = field(default_factory=dict)

    def feed(self, part: Part) -> Batches:
        """Batches of a part for judging: in order, not shuffled. Made once, so that its workers live on."""
        if part not in self.feeds:
            size = self.recipe.evaluate.batch_size or 2 * self.recipe.train.rows
            tokens = None if self.recipe.train.tokens is None else 2 * self.recipe.train.tokens
            self.feeds[part] = Batches(
                self.data, part, size, self.recipe.seed, shuffle=False, device=self.device, workers=workers(self.recipe),
                lengths=lengths(self.recipe, self.data, part), tokens=tokens,
            )  # fmt: skip
        return self.feeds[part]

    def judge(self, part: Part, *, keep: Keep | None = None, tell: Tell | None = None) -> Callable[[nn.Module], Judged]:
        """The function that judges a net on ``part``. keep: what it answers is kept; else, where that takes long, it is not asked."""

        def judged(net: nn.Module) -> Judged:
            taught = self.task.taught()
            found = judge(
                net,
                self.feed(part),
                part,
                decode=self.task.decode,
                metrics=list(self.task.metrics()),
                targets=self.data.targets,
                kinds=self.data.kinds,
                precision=Precision(self.precision, self.device),
                objective=self.objective,
                transforms=self.task.transforms(),
                confidence=self.recipe.evaluate.confidence,
                keep=keep,
                tell=tell,
                taught=taught,
                respond=self.task.respond if taught is not None and taught.answers and keep is not None else None,
            )
            further = self.task.probe(net, part, self.rows)
            losses = {name: value for name, value in found.values.items() if name.startswith(f"{part}/loss")}
            named = {f"{part}/{name}": value for name, value in further.items()}
            every = {**losses, **named, **found.values}  # what labels say stands before other figures
            none = found.uncounted - _watched(self.recipe, self.spec)  # users or people whom the net never learnt, say
            return replace(found, values={name: value for name, value in every.items() if name not in none})

        return judged

    def rows(self, rows: np.ndarray) -> Iterator[Batch]:
        """Batches of int64 ``rows`` of the dataset, in their order and without transforms."""
        size = self.recipe.evaluate.batch_size or 2 * self.recipe.train.rows
        return Batches(self.data, rows, size, self.recipe.seed, shuffle=False, device=self.device).epoch(0)


@dataclass(kw_only=True)
class Assembled(Bench):
    """Everything that training works with. recipe: complete, with every automatic choice frozen in."""

    plan: Plan
    batches: Batches
    choices: auto.Choices


def bench(recipe: Recipe, spec: TaskSpec, data: Dataset, choices: auto.Choices) -> Bench:
    """Task, net and objective for data. The net's first weights depend on the seed alone; precision "auto" is left as fp32."""
    device = auto.device_and_threads(recipe, choices)
    task: Task = names.load_object(spec.task)(recipe, data)
    torch.default_generator.manual_seed(key_of(f"init/{recipe.seed}") >> 1)
    net = task.net()
    attach(net, recipe)
    freeze_for_good(net, unfreezing(recipe))
    last = auto.channels_last(recipe, net, choices)
    net = net.to(device, memory_format=torch.channels_last) if last else net.to(device)  # type: ignore[call-overload]
    name = recipe.train.precision
    return Bench(
        recipe=recipe,
        spec=spec,
        data=data,
        task=task,
        net=net,
        objective=task.objective().to(device),
        device=device,
        precision="fp32" if name == "auto" else name,
    )


def assemble(recipe: Recipe, spec: TaskSpec, progress: Progress | None = None, note: Note | None = None) -> Assembled:
    """Build everything for a complete recipe. note: see :func:`danlu.runs.choices.timed`."""
    with heard_by(progress):  # nets that look at the data when they are built are handed no one to tell
        return _assembled(recipe, spec, progress, note or auto.timed([]))


def _assembled(recipe: Recipe, spec: TaskSpec, progress: Progress | None, note: Note) -> Assembled:
    choices = auto.Choices()
    with located(recipe):
        data: Dataset = note("data", lambda: prepare(recipe, spec, progress), _rows)
    if not len(data.parts.get("train", ())):
        where = recipe.where("data.split")
        raise RecipeError.of(where, say("runs.empty-part", part="train"), say("runs.empty-part.remedy"))
    with located(recipe):
        made: Bench = note("net", lambda: bench(recipe, spec, data, choices), _size)
    train = recipe.train
    augment = pipeline.build(recipe.data.augment, data.kinds, recipe.where("data.augment"))
    transforms = tuple(made.task.training_transforms(augment))
    weights = sampler_weights(recipe, data)

    def batches_of(size: int, count: int | None) -> Batches:
        return Batches(
            data, "train", size, recipe.seed, shuffle=True, transforms=transforms, device=made.device, workers=count,
            weights=weights, lengths=lengths(recipe, data, "train"), tokens=train.tokens,
        )  # fmt: skip

    size = train.batch_size
    if size == "auto":
        trial = plan_of(recipe, spec, data, transforms, made.device, len(batches_of(LEAST, 0)))
        trial = replace(trial, precision=made.precision)
        size, reason = choose(made.net, made.objective, trial, lambda size: batches_of(size, 0))
        choices.make("train.batch_size", size, reason)
    batches = batches_of(size, workers(recipe))
    plan = plan_of(recipe, spec, data, transforms, made.device, len(batches))
    if train.precision == "auto":
        made.precision = parity.precision(made.net, made.objective, first_batch(batches, plan), made.device, choices)
    plan = replace(plan, precision=made.precision)
    if train.threads == "fastest" or train.allocator == "auto" or train.compile:
        steps = min(plan.epochs * -(-len(batches) // plan.accumulate), plan.max_steps or math.inf)
        trials = Trials(made.net, made.objective, first_batch(batches, plan), plan, int(steps), recipe, choices)
        trials.threads()
        trials.allocator()
        plan = replace(plan, compiled=trials.compilation())
    if train.optimizer.lr == "auto":
        found = find_rate(made.net, made.objective, batches, plan)
        plan = replace(plan, lr=choices.make("train.optimizer.lr", found.suggestion, say("runs.chosen.finder")))
    plan = replace(plan, captures_every=auto.captures_every(recipe, plan, len(batches), choices))
    made.recipe = made.task.recipe = choices.freeze(recipe)
    return Assembled(**vars(made), plan=plan, batches=batches, choices=choices)


def first_batch(batches: Batches, plan: Plan) -> Batch:
    """The first micro-batch of training, transformed as the loop will."""
    batch = next(iter(batches.epoch(0)))
    for transform in plan.transforms:
        batch = transform(batch, Position(plan.seed), plan.kinds)
    return batch


def _rows(data: Dataset) -> str:
    return say("loop.rows", count=f"{len(data):,}")


def _size(made: Bench) -> str:
    return say("loop.parameters", count=f"{sum(p.numel() for p in made.net.parameters()):,}")


def in_folder(assembled: Assembled, folder: RunFolder, extra: Mapping[str, Any]) -> Plan:
    """The plan with checkpoints and best weights kept in a run's folder. extra: what each of them tells beside."""
    asked = assembled.recipe.train.checkpoint
    policy = CheckpointPolicy(
        folder.checkpoints, asked.every_steps, asked.every_minutes, asked.every_epochs, asked.keep
    )
    return replace(
        assembled.plan, checkpoint=policy, best_folder=folder.best, captures=folder.captures, extra_state=extra
    )


def plan_of(recipe: Recipe, spec: TaskSpec, data: Dataset, transforms: Any, device: torch.device, micros: int) -> Plan:
    train = recipe.train
    steps = train.epochs * -(-micros // train.accumulate)
    steps = min(steps, train.max_steps or steps)
    warmup = train.warmup if isinstance(train.warmup, int) else min(round(train.warmup * steps), steps - 1)
    if warmup >= steps:
        what = say("runs.warmup", warmup=warmup, steps=steps)
        raise RecipeError.of(recipe.where("train.warmup"), what, say("recipe.clash.warmup.remedy"))
    optimizer, args = names.checked(
        "optimizer", train.optimizer.name, train.optimizer.args, recipe.where("train.optimizer")
    )
    has_val = len(data.parts.get("val", ())) > 0
    monitor = (train.best or spec.monitor[0], _sign(train.best or spec.monitor[0], spec)) if has_val else None
    stop = train.early_stop
    schedule = names.build("schedule", train.schedule, recipe.where("train.schedule"))
    waited = schedule.monitor if isinstance(schedule, ReduceOnPlateau) else None
    needing = {"train.early_stop": stop, "train.best": train.best, "train.schedule": waited}
    for key, asked in needing.items():
        if asked is not None and not has_val:
            what = say("runs.no-validation", key=key)
            raise RecipeError.of(recipe.where(key), what, say("recipe.clash.no-validation.remedy", key=key))
    return Plan(
        epochs=train.epochs,
        max_steps=train.max_steps,
        accumulate=train.accumulate,
        seed=recipe.seed,
        optimizer=partial(_optimiser, optimizer, args, recipe),
        lr=1e-3 if train.optimizer.lr == "auto" else train.optimizer.lr,
        decay=train.optimizer.weight_decay,
        schedule=schedule,
        unfreeze=unfreezing(recipe),
        warmup=warmup,
        clip_norm=train.clip_norm,
        l1=train.l1,
        proximal=train.l1_by == "proximal",
        sam=train.sam,
        swa=train.swa,
        ema=train.ema,
        device=device,
        transforms=transforms,
        kinds=data.kinds,
        evaluate_every=train.evaluate_every,
        monitor=monitor,
        plateau=(waited, _sign(waited, spec)) if waited is not None else None,
        early_stop=(stop.monitor, _sign(stop.monitor, spec), stop.patience, stop.min_delta) if stop else None,
        non_finite=train.non_finite,
        source=lambda row: (data.ids[row], data.origins[row]),
        log_seconds=recipe.watch.log_seconds,
    )


def _optimiser(target: Any, args: Mapping[str, Any], recipe: Recipe, groups: Any, **own: Any) -> Any:
    """What the recipe's optimiser makes of the groups. Raises RecipeError where it is the user's own and makes none."""
    name, where = recipe.train.optimizer.name, recipe.where("train.optimizer.name")
    if ":" not in name:
        return target(groups, **own, **args)
    try:
        made = target(groups, **own, **args)
    except Exception as error:
        raise names.failed(name, where, error) from error
    if not isinstance(made, torch.optim.Optimizer):
        what = say("recipe.not-of-the-group", name=name, group=say("recipe.group.optimizer"), lacking="step")
        raise RecipeError.of(where, what)
    return made


def _watched(recipe: Recipe, spec: TaskSpec) -> set[str]:
    """Figures by which the best is chosen, the rate is lowered or training stops: they are told even where they are NaN."""
    train = recipe.train
    found = {train.best or spec.monitor[0], train.early_stop.monitor if train.early_stop else ""}
    return found | (
        {"val/loss", str(train.schedule.args.get("monitor", ""))} if "plateau" in train.schedule.name else set()
    )


def _sign(metric: str, spec: TaskSpec) -> int:
    """+1 where larger is better: the task's own monitor knows; losses and errors are better small."""
    if metric == spec.monitor[0]:
        return spec.monitor[1]
    name = metric.rpartition("/")[2]
    return -1 if "loss" in metric or name in {"mse", "rmse", "mae"} else 1


def workers(recipe: Recipe) -> int | None:
    """Worker processes; None: as many as the storage needs."""
    wanted = recipe.data.workers
    return None if wanted == "auto" else wanted


def lengths(recipe: Recipe, data: Dataset, part: Part) -> np.ndarray | None:
    """int64 (rows of the part,), where batches are to be of similar length; else None. Raises RecipeError where they can't be."""
    found = None if recipe.data.bucket is False else data.lengths(data.rows(part))
    if found is None and (recipe.data.bucket is True or recipe.train.tokens is not None):
        key = "data.bucket" if recipe.data.bucket is True else "train.tokens"
        raise RecipeError.of(recipe.where(key), say("text.no-lengths"), say("text.no-lengths.remedy"))
    return found


def sampler_weights(recipe: Recipe, data: Dataset) -> np.ndarray | None:
    """float64 (training rows,): inverse class frequency, for ``balance: sampler``."""
    if recipe.data.balance != "sampler":
        return None
    labels = category_labels(data, data.parts["train"])
    if labels is None:
        raise RecipeError.of(recipe.where("data.balance"), say("runs.no-category"))
    counts = np.bincount(labels)
    weights: np.ndarray = 1.0 / counts[labels]
    return weights


def category_labels(data: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """int64 labels of ``rows`` where the target is a category, else None."""
    name = next((name for name in data.targets if data.kinds[name].name == "category"), None)
    return None if name is None else np.asarray(data.store.gather(name, rows)).reshape(-1)
