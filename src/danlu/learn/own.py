"""A run as a stage: its net, its objective, and a few batches of its own training part."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event

import torch
from torch import nn

from danlu import recipe as recipes
from danlu.data.batches.batches import Batches
from danlu.data.prepare import prepare
from danlu.errors import RunError
from danlu.learn.limits import UNLIMITED, Limit, largest
from danlu.learn.stage import Stage
from danlu.learn.threads import on_threads
from danlu.messages import say
from danlu.nn.weights import is_file
from danlu.randomness import Position
from danlu.recipe.names import spec_of
from danlu.runs import weights
from danlu.runs.assembling import bench, plan_of
from danlu.runs.choices import Choices
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.training.plan import transformed
from danlu.training.seeing import undisturbed

BATCHES = 12
SAMPLES = (4, 8, 16, 32)  # of a batch: as many as a forward pass takes in the time below
FORWARD = 0.05  # seconds; lessons answer while one waits


@undisturbed()
def own(path: str | Path, stop: Event | None = None) -> Stage:
    """The stage of a run's folder, with the weights that are there now, on the CPU in fp32. Its data are prepared as in training (from
    the cache, where it is still there), but not augmented. stop: gives up preparing them.

    Raises RunError where there are no weights yet, DataError where the data are gone.
    """
    folder = RunFolder.open(path)
    here = {"device": "cpu", "precision": "fp32", "accumulate": 1, "threads": torch.get_num_threads()}
    recipe = recipes.patch(recipes.resolved(folder.recipe), {f"train.{key}": value for key, value in here.items()})
    tensors = weights.chosen(folder, recipe)
    spec = spec_of(recipe.task, recipe.where("task"))
    fitted = restore(folder.read_json(folder.columns))
    limit = Limit(UNLIMITED, stop)
    data = prepare(recipe, spec, lambda *_: limit.check(), kinds=fitted.kinds)
    if not len(data.parts.get("train", ())):
        raise RunError.of(str(path), say("runs.no-part", part="train"), say("learn.use-builtin"))
    data = replace(data, statistics=fitted.statistics)
    begun = recipe.model.pretrained
    held = is_file(begun) and Path(str(begun)).is_file()
    made = bench(recipe if held else weights.replaced(recipe), spec, data, Choices())
    first = copy.deepcopy(made.net)
    weights.put_into(made.net, tensors, folder)
    transforms = made.task.transforms()
    size = min(recipe.train.rows, SAMPLES[-1])
    feed = Batches(data, "train", size, recipe.seed, shuffle=True, transforms=transforms, gather_ahead=False)
    plan = plan_of(recipe, spec, data, transforms, torch.device("cpu"), len(feed))
    batches = tuple(transformed(batch, Position(recipe.seed), plan) for batch in islice(feed.epoch(0), BATCHES))

    def fresh() -> nn.Module:
        return copy.deepcopy(first)

    stage = Stage(
        made.net.eval(),
        fresh,
        made.objective,
        batches,
        replace(plan, transforms=(), l1=0.0),
        published=bool(begun) and not held,
    )

    @torch.no_grad()
    def forward(samples: int) -> None:
        few = stage.smaller(samples)
        few.loss(few.net, few.batches[0])

    many = torch.get_num_threads()
    with on_threads(1):
        samples = largest(SAMPLES, forward, FORWARD)
    if samples < size and many > 1:
        return replace(stage.smaller(largest(SAMPLES, forward, FORWARD)), threads=many)
    return stage.smaller(samples)
