"""``danlu.evaluate``: judge a run's weights on one of its parts, or on other data of the same shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from danlu import recipe as recipes
from danlu.data.prepare import prepare
from danlu.data.table import Part
from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.runs import weights
from danlu.runs.assembling import Progress, bench
from danlu.runs.choices import Choices
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.runs.predictions import PredictionWriter, keeper


def evaluate(
    path: str | Path, part: Part = "test", source: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """{"part", "values", "intervals", "samples", "predictions": path of the Parquet file}.

    source: other data than the run's own; all of its rows are judged, with the run's classes and preparation.
    """
    folder = RunFolder.open(path)
    recipe = recipes.resolved(folder.recipe)
    tensors = weights.chosen(folder, recipe)
    fitted = restore(folder.read_json(folder.columns))
    if source is not None:
        plain: dict[str, Any] = {
            "format": "auto",
            "columns": {},
            "root": None,
            "split": {},
            "limit": None,
            "duplicates": "keep",
        }
        recipe = recipes.patch(recipe, {f"data.{key}": value for key, value in {"source": source, **plain}.items()})
    spec = spec_of(recipe.task, recipe.where("task"))
    data = prepare(recipe, spec, progress, kinds=fitted.kinds, part=None if source is None else part)
    if not len(data.parts.get(part, ())):
        raise RunError.of(str(path), say("runs.no-part", part=part), say("runs.no-part.remedy", part=part))
    made = bench(weights.replaced(recipe), spec, replace(data, statistics=fitted.statistics), Choices())
    weights.put_into(made.net, tensors, folder)
    name = part if source is None else f"{part}-{Path(source).name.replace(':', '-')}"
    target = folder.predictions / f"{name}.parquet"
    with PredictionWriter(target) as writer:
        judged = made.judge(part, keep=keeper(made, writer))(made.net)
    samples = len(data.parts[part])
    return {
        "part": part,
        "values": dict(judged.values),
        "intervals": {key: list(bounds) for key, bounds in judged.intervals.items()},
        "samples": samples,
        "predictions": str(target),
    }
