"""``danlu.evaluate``: judge a run's weights on one of its parts, or on other data of the same shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from danlu import recipe as recipes
from danlu.data.table import Part
from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.runs import weights
from danlu.runs.assembling import Progress, assemble
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.runs.predictions import PredictionWriter
from danlu.runs.training import truth_of


def evaluate(
    path: str | Path, part: Part = "test", source: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """{"part", "values", "intervals", "samples", "predictions": path of the Parquet file}.

    source: other data than the run's own; all of its rows are judged, with the run's classes and preparation.
    """
    folder = RunFolder.open(path)
    recipe = recipes.complete(recipes.load(folder.recipe))
    tensors = weights.chosen(folder, recipe)
    fitted = restore(folder.read_json(folder.columns))
    if source is not None:
        recipe = recipes.patch(recipe, {"data.source": source, "data.format": "auto", "data.columns": {}})
    assembled = assemble(
        recipe, spec_of(recipe.task, recipe.where("task")), progress, fitted=fitted, judged_as=part if source else None
    )
    if not len(assembled.data.parts.get(part, ())):
        raise RunError.of(str(path), say("runs.no-part", part=part), say("runs.no-part.remedy", part=part))
    assembled.net.load_state_dict(tensors)
    ids = assembled.data.ids
    name = part if source is None else f"{part}-{Path(source).name.replace(':', '-')}"
    target = folder.predictions / f"{name}.parquet"
    with PredictionWriter(target) as writer:
        judged = assembled.judge(
            part, keep=lambda batch, found: writer.add([ids[r] for r in batch.rows], truth_of(assembled, batch), found)
        )(assembled.net)
    samples = len(assembled.data.parts[part])
    return {
        "part": part,
        "values": dict(judged.values),
        "intervals": {key: list(bounds) for key, bounds in judged.intervals.items()},
        "samples": samples,
        "predictions": str(target),
    }
