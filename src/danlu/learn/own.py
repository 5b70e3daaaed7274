"""A run as a stage: its net, its objective, and a few batches of its own training part."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from danlu import recipe as recipes
from danlu.data.batches.batches import Batches
from danlu.data.prepare import prepare
from danlu.learn.stage import Stage
from danlu.randomness import Position
from danlu.recipe.names import spec_of
from danlu.runs import weights
from danlu.runs.assembling import bench, plan_of, workers
from danlu.runs.choices import Choices
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.training.plan import transformed

BATCHES = 12
SAMPLES = 32  # of a batch, at most: lessons answer while one waits


def own(path: str | Path) -> Stage:
    """The stage of a run's folder, on the CPU in fp32. Its data are prepared as in training (from the cache, where it is still there).

    Raises RunError where there are no weights yet, DataError where the data are gone.
    """
    folder = RunFolder.open(path)
    recipe = recipes.patch(
        recipes.resolved(folder.recipe), {"train.device": "cpu", "train.precision": "fp32", "train.accumulate": 1}
    )
    tensors = weights.chosen(folder, recipe)
    spec = spec_of(recipe.task, recipe.where("task"))
    fitted = restore(folder.read_json(folder.columns))
    data = replace(prepare(recipe, spec, None, kinds=fitted.kinds), statistics=fitted.statistics)
    made = bench(weights.replaced(recipe), spec, data, Choices())
    first = copy.deepcopy(made.net)
    weights.put_into(made.net, tensors, folder)
    transforms = made.task.transforms()
    size = min(recipe.train.batch_size, SAMPLES)
    feed = Batches(data, "train", size, recipe.seed, shuffle=True, transforms=transforms, workers=workers(recipe))
    plan = plan_of(recipe, spec, data, transforms, torch.device("cpu"), len(feed))
    batches = tuple(transformed(batch, Position(recipe.seed), plan) for batch in islice(feed.epoch(0), BATCHES))

    def fresh() -> nn.Module:
        return copy.deepcopy(first)

    return Stage(made.net.eval(), fresh, made.objective, batches, replace(plan, transforms=(), l1=0.0))
