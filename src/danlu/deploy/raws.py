"""Raw rows of a run's own data, as they lie there: what the parity gate asks and the profile describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu import recipe as recipes
from danlu.data import reading
from danlu.data.kinds.base import BadValue
from danlu.data.table import Table
from danlu.errors import ArtifactError, DataError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.predicting import RunPredictor
from danlu.runs.predictor import Row, files_in

_PARTS = ("test", "val", "train")


@dataclass(frozen=True)
class Sample:
    """A raw input and what it is called. raw: column → raw value. row: the same, prepared by the run's own kinds."""

    name: str
    raw: Mapping[str, Any]
    row: Row


@dataclass(frozen=True)
class RawData:
    """Rows by part. rows: part → int64, places in the table."""

    table: Table
    rows: Mapping[str, np.ndarray]

    @property
    def part(self) -> str:
        """The part that a parity gate asks: what the run was not trained on, where there is such."""
        return next((part for part in _PARTS if len(self.rows.get(part, ()))), "")

    def stream(self, run: RunPredictor, part: str, most: int) -> Iterator[Sample]:
        """Up to ``most`` samples, evenly drawn over the part; rows that can't be read any more are passed over for others."""
        return _prepared(run, self._drawn(run, part, most), most)

    def samples(self, run: RunPredictor, part: str, most: int) -> list[Sample]:
        """:meth:`stream`, all at once."""
        return list(self.stream(run, part, most))

    def _drawn(self, run: RunPredictor, part: str, most: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        rows = self.rows.get(part, np.empty(0, np.int64))
        for index in spread(len(rows), most):
            row = int(rows[index])
            yield str(self.table.ids[row]), {name: self.table.columns[name][row] for name in run.inputs}


def spread(count: int, most: int) -> Iterator[int]:
    """Different places below ``count``, evenly spread however many of them are taken (multiples of the golden ratio).

    10·``most`` at most. A part's rows may be in the order of their classes.
    """
    seen: set[int] = set()
    step = 0
    while len(seen) < min(count, 10 * most) and step < 100 * most:
        place = int(count * (step * 0.6180339887498949 % 1))
        step += 1
        if place not in seen:
            seen.add(place)
            yield place


def of_run(run: RunPredictor) -> RawData:
    """The run's own rows, by the part they were in. Raises ArtifactError where they are gone."""
    import pyarrow.parquet as pq

    remedy = say("deploy.no-raws.remedy")
    try:
        _, table = reading.read(run.recipe, run.spec.columns)
        split = pq.read_table(run.folder.membership).to_pydict()
    except (DataError, OSError) as error:
        reason = error.problems[0].what if isinstance(error, DataError) else str(error)
        raise ArtifactError.of(run.recipe.data.source, say("deploy.no-raws", reason=reason), remedy) from error
    places = {str(name): place for place, name in enumerate(table.ids)}
    found = [(part, places[name]) for name, part in zip(split["id"], split["part"], strict=True) if name in places]
    if not found:
        what = say("deploy.no-raws", reason=say("deploy.other-rows"))
        raise ArtifactError.of(run.recipe.data.source, what, remedy)
    return RawData(
        table, {name: np.asarray([place for part, place in found if part == name], np.int64) for name in _PARTS}
    )


def of_inputs(run: RunPredictor, inputs: Sequence[str], most: int) -> list[Sample]:
    """Samples from elsewhere: files or folders of images, or tables (CSV, Parquet, …) of other columns. Raises DataError."""
    if len(run.inputs) == 1 and run.kinds[run.inputs[0]].name == "image":
        files = files_in(inputs)
        drawn = ((str(files[index]), {run.inputs[0]: files[index]}) for index in spread(len(files), most))
        return list(_prepared(run, drawn, most))
    samples: list[Sample] = []
    for source in inputs:
        recipe = _reading(run.recipe, source)
        wanted = {name: run.spec.columns[name] for name in run.inputs}
        _, table = reading.read(recipe, wanted)
        rows = {"test": np.arange(len(table), dtype=np.int64)}
        samples += RawData(table, rows).samples(run, "test", most - len(samples))
    return samples


def _reading(recipe: Recipe, source: str) -> Recipe:
    """The recipe of a table of inputs, whose columns are called as the run's were where they are there."""
    plain: dict[str, Any] = {"source": source, "format": "auto", "root": None, "limit": None}
    return recipes.patch(recipe, {f"data.{key}": value for key, value in plain.items()})


def _prepared(run: RunPredictor, drawn: Iterator[tuple[str, Mapping[str, Any]]], most: int) -> Iterator[Sample]:
    """At most ``most`` of those that can be used."""
    made = 0
    for name, raw in drawn:
        if made == most:
            return
        try:
            row = run.prepare(raw)
        except BadValue:
            continue
        made += 1
        yield Sample(name, raw, row)
