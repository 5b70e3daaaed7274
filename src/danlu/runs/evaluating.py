"""``danlu.evaluate``: judge a run's weights on one of its parts, or on other data of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from danlu import recipe as recipes
from danlu.data.dataset import Dataset
from danlu.data.kinds.base import Kind
from danlu.data.prepare import prepare
from danlu.data.reading import read
from danlu.data.substitutes import read_as_learnt
from danlu.data.table import Part
from danlu.errors import DataError, RunError
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import TaskSpec
from danlu.runs import baselines, thresholds, verdict, weights
from danlu.runs.assembling import Bench, Progress, bench
from danlu.runs.checking import row_findings
from danlu.runs.choices import Choices
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.runs.predictions import PredictionWriter, keeper


def evaluate(
    path: str | Path, part: Part = "test", source: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """{"part", "values", "intervals", "confidence", "samples", "predictions" (the Parquet file), "baselines", "verdict", "note",
    "warnings"}.

    source: other data than the run's own; all of its rows are judged, with the run's classes and preparation. Its columns are called
    as the run's are, else found by their names. warnings: what to know of such data: rows that were left out, columns that were
    guessed.
    baselines: as in ``baselines.json``, fitted on the run's own training rows. verdict: fields of
    :class:`danlu.training.events.Compared`, None where nothing was compared (the training part never is). note: why, or "".
    """
    folder = RunFolder.open(path)
    own = recipe = recipes.resolved(folder.recipe)
    tensors = weights.chosen(folder, recipe)
    fitted = restore(folder.read_json(folder.columns))
    if source is not None:
        plain: dict[str, Any] = {
            "format": "auto",
            "columns": {} if source.startswith("builtin:") else _called(own, folder),
            "root": None,
            "split": _series(own),
            "limit": None,
            "duplicates": "keep",
        }
        recipe = recipes.patch(recipe, {f"data.{key}": value for key, value in {"source": source, **plain}.items()})
    spec = spec_of(recipe.task, recipe.where("task"))
    said: list[str] = []
    data = _prepared(recipe, own, spec, fitted.kinds, None if source is None else part, progress, said.append)
    if not len(data.parts.get(part, ())):
        raise RunError.of(str(path), say("runs.no-part", part=part), say("runs.no-part.remedy", part=part))
    made = bench(weights.replaced(recipe), spec, replace(data, statistics=fitted.statistics), Choices())
    weights.put_into(made.net, tensors, folder)
    thresholds.use(folder, own, made.task)
    name = part if source is None else f"{part}-{Path(source).name.replace(':', '-')}"
    target = folder.predictions / f"{name}.parquet"
    with PredictionWriter(target) as writer:
        judged = made.judge(part, keep=keeper(made, writer))(made.net)
    entries, note = _beside(own, spec, made, folder, name, part, source is not None, progress)
    found = verdict.compared(entries, part)
    return {
        "part": part,
        "values": dict(judged.values),
        "intervals": {key: list(bounds) for key, bounds in judged.intervals.items()},
        "confidence": recipe.evaluate.confidence,
        "samples": len(data.parts[part]),
        "predictions": str(target),
        "baselines": entries,
        "verdict": None if found is None else asdict(found),
        "note": note,
        "warnings": [] if source is None else [*said, *row_findings(data.card, kept=False)],
    }


def _series(own: Recipe) -> dict[str, Any]:
    """Of how rows are divided what their columns are made by: lags need to know when each row is, and what belongs together."""
    told = own.options.get("features")
    lags = told.get("lags") if isinstance(told, Mapping) else None
    return {"time": own.data.split.time, "group": own.data.split.group} if lags else {}


def _called(own: Recipe, folder: RunFolder) -> dict[str, Any]:
    """How the run's data call its columns, as the recipe says or as they were found by name: by name alone a file that has more
    columns could be read otherwise.
    """
    card = folder.read_json(folder.card) if folder.card.is_file() else {}
    learnt = {name: told["called"] for name, told in card.get("columns", {}).items() if "called" in told}
    return {**learnt, **own.data.columns}


def _prepared(
    recipe: Recipe,
    own: Recipe,
    spec: TaskSpec,
    kinds: Mapping[str, Kind],
    part: Part | None,
    progress: Progress | None,
    tell: Callable[[str], None],
) -> Dataset:
    """The rows that are judged.

    part: of other data, of which columns that are not there are found by their usual names, and ``tell`` hears of it: as those who
    ask the run are told. A label that the recipe names must be there: by another one a score would mean something else.
    """
    named = [name for name in own.data.columns if spec.columns[name].role != "input"]
    reader = read if part is None else partial(read_as_learnt, tell=tell, named=named)
    return prepare(recipe, spec, progress, kinds=kinds, part=part, reader=reader)


def _beside(
    own: Recipe,
    spec: TaskSpec,
    made: Bench,
    folder: RunFolder,
    name: str,
    part: Part,
    elsewhere: bool,
    progress: Progress | None,
) -> tuple[verdict.Entries, str]:
    """(the baselines on what was judged, why there are none). own: the run's recipe with the run's own data."""
    if not own.evaluate.baselines or part == "train":
        return {}, ""
    said: list[str] = []
    if not elsewhere:
        return baselines.judge(made, folder, [part], progress, said.append), " ".join(said)
    try:
        data = prepare(own, spec, progress, kinds=made.data.kinds)
    except DataError as error:
        return {}, say("runs.baselines.no-data", reason=str(error))
    theirs = replace(made, data=data, task=type(made.task)(made.recipe, data))
    return baselines.judge_elsewhere(theirs, made.data, folder, name, part, progress, said.append), " ".join(said)
