"""The baselines of a run: fitted on its training rows, judged on the same parts by the same metrics as the net, kept in its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from danlu.data.dataset import Dataset
from danlu.data.progress import Progress
from danlu.data.table import Part
from danlu.errors import DanluError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs import verdict
from danlu.runs.assembling import Bench
from danlu.runs.folder import RunFolder
from danlu.runs.predictions import PredictionWriter
from danlu.runs.stored import Stored
from danlu.runs.verdict import Entries
from danlu.tasks.base import Task
from danlu.tasks.baselines import drawing
from danlu.tasks.baselines.base import Baseline, Sample

VERSION = 1  # raised when the same rows would give other baselines
_HELD = 2000  # validation rows by which settings are chosen
_ROWS = 4096  # written at once

Say = Callable[[str], None]


def judge(
    made: Bench, folder: RunFolder, parts: Sequence[Part], progress: Progress | None = None, tell: Say | None = None
) -> Entries:
    """Judge the baselines on ``parts``, on which the net's predictions are stored, and compare; what is known already is kept.

    tell: is given what a person should know. Nothing but the differences is computed anew where data and seed are the same.
    """
    of = _fingerprint(made.data, made.recipe)
    known = {name: entry for name, entry in _readable(folder).items() if entry.get("of") == of}
    offered = [baseline.name for baseline in made.task.baselines()]
    missing = [
        part
        for part in parts
        if not all(
            part in known.get(name, {}).get("samples", {}) and _path(folder, name, part).is_file() for name in offered
        )
    ]
    if missing:
        rows: dict[str, tuple[Dataset, np.ndarray]] = {part: (made.data, made.data.parts[part]) for part in missing}
        for name, entry in fit(made.task, made.data, made.recipe, folder, rows, progress, tell).items():
            old = known.get(name, {})
            for field in ("values", "intervals", "samples"):
                entry[field] = old.get(field, {}) | entry[field]
            known[name] = old | entry | {"of": of}
    known = {name: known[name] for name in offered if name in known}
    for part in parts:
        compare(made, folder, known, part, part)
    if known:
        folder.write_json(folder.baselines, known)
    return known


def judge_elsewhere(
    made: Bench,
    other: Dataset,
    folder: RunFolder,
    name: str,
    part: Part,
    progress: Progress | None = None,
    tell: Say | None = None,
) -> Entries:
    """The same for other data than ``made``'s, the run's own; nothing is kept in ``baselines.json``.

    name: of the net's predictions file.
    """
    rows = {name: (other, other.parts[part])}
    found = fit(made.task, made.data, made.recipe, folder, rows, progress, tell, prefix=part)
    compare(made, folder, found, name, part)
    return found


def fit(
    task: Task,
    data: Dataset,
    recipe: Recipe,
    folder: RunFolder,
    judged: Mapping[str, tuple[Dataset, np.ndarray]],
    progress: Progress | None = None,
    tell: Say | None = None,
    prefix: str | None = None,
) -> Entries:
    """Fit every baseline on ``data``'s training rows and judge it: predictions/baseline-NAME-FILE.parquet, and its entry.

    judged: name of the file → (dataset, rows). prefix: of the metrics' names, instead of that name.
    """
    offered = task.baselines()
    if not offered:
        return {}
    train, held = _learnt_from(data, recipe.seed, progress)
    samples = {
        name: drawing.gather(whole, drawing.chosen(whole, rows, recipe.seed), progress, say("runs.baselines.reading"))
        for name, (whole, rows) in judged.items()
    }
    asked, all_asked = sum(map(len, samples.values())), sum(len(rows) for _, rows in judged.values())
    every = len(data.parts["train"])
    seen = len(drawing.chosen(data, data.parts["train"], recipe.seed))
    if tell is not None and (seen < every or asked < all_asked):
        judging = f"{asked:,}/{all_asked:,}"
        tell(say("runs.baselines.some", train=f"{seen:,}", all=f"{every:,}", judged=judging))
    entries: Entries = {}
    for baseline in offered:
        began = time.perf_counter()
        told = _Told(progress, say("runs.baselines.fitting", name=baseline.name))
        baseline.fit(train, held, asked, told)
        entry: dict[str, Any] = {"values": {}, "intervals": {}, "samples": {}}
        for name, sample in samples.items():
            predictions = _as_the_net(baseline.predict(sample, told), Stored(folder.predictions / f"{name}.parquet"))
            if predictions is None:
                if tell is not None:
                    tell(say("runs.baselines.unlike"))
                return {}
            _write(folder, baseline, name, judged[name][0], sample, predictions)
            values, intervals = _measured(task, predictions, sample, prefix or name, recipe.evaluate.confidence)
            entry["values"] |= values
            entry["intervals"] |= intervals
            entry["samples"][name] = len(sample)
        told.end()
        seconds = time.perf_counter() - began
        entries[baseline.name] = entry | {"seconds": seconds, "rows": len(train), "settings": baseline.settings()}
    return entries


def compare(made: Bench, folder: RunFolder, entries: Entries, name: str, part: str) -> None:
    """Write into each entry how the net differs from it. name: of the files with the predictions."""
    names = [
        key.rpartition("/")[2] for entry in entries.values() for key in entry["values"] if key.startswith(f"{part}/")
    ]
    if not names:
        return
    metric = verdict.headline(made.spec.monitor, names)
    columns = folder.read_json(folder.columns)
    for baseline, entry in entries.items():
        found = verdict.differences(
            folder.predictions / f"{name}.parquet",
            _path(folder, baseline, name),
            columns,
            part,
            metric,
            lambda: list(made.task.metrics()),
            made.recipe.evaluate.confidence,
        )
        entry["differences"] = entry.get("differences", {}) | found


def _learnt_from(data: Dataset, seed: int, progress: Progress | None) -> tuple[Sample, Sample]:
    """(training rows, rows by which settings are chosen): validation rows, or where there are none a tenth of the training rows."""
    stage = say("runs.baselines.reading")
    rows = drawing.chosen(data, data.parts["train"], seed)
    train = drawing.gather(data, rows, progress, stage)
    others = data.parts.get("val", rows[:0])
    if len(others):
        return train, drawing.gather(data, drawing.chosen(data, others, seed, _HELD), progress, stage)
    tenth = np.arange(len(train)) % 10 == 9
    return train.take(np.flatnonzero(~tenth)), train.take(np.flatnonzero(tenth))


def _as_the_net(predictions: dict[str, Any], net: Stored) -> dict[str, Any] | None:
    """Columns under the names that the net's predictions have; None where they can't be matched."""
    if set(predictions) == set(net.predictions):
        return predictions
    lists = [name for name in net.predictions if net.is_list(name)]
    whole = [name for name in net.predictions if net.is_whole(name)]
    single = [name for name in net.predictions if name not in {*lists, *whole}]
    named: dict[str, Any] = {}
    for own, theirs in (("probability", lists), ("label", whole), ("value", single)):
        if own in predictions:
            if len(theirs) > 1 or (not theirs and own != "label"):
                return None
            named |= dict.fromkeys(theirs, predictions[own])
    return named if set(named) == set(net.predictions) else None


def _write(
    folder: RunFolder, baseline: Baseline, name: str, data: Dataset, sample: Sample, predictions: Mapping[str, Any]
) -> None:
    with PredictionWriter(_path(folder, baseline.name, name)) as writer:
        for start in range(0, len(sample), _ROWS):
            some = slice(start, start + _ROWS)
            ids = [data.ids[row] for row in sample.rows[some]]
            truth = {column: values[some] for column, values in sample.targets.items()}
            writer.add(ids, truth, {column: values[some] for column, values in predictions.items()})


def _measured(
    task: Task, predictions: Mapping[str, Any], sample: Sample, prefix: str, confidence: float
) -> tuple[dict[str, float], dict[str, list[float]]]:
    values: dict[str, float] = {}
    intervals: dict[str, list[float]] = {}
    for metric in task.metrics():
        metric.update(predictions, sample.targets)
        values |= {f"{prefix}/{name}": value for name, value in metric.compute().items()}
        intervals |= {f"{prefix}/{name}": list(bounds) for name, bounds in metric.intervals(confidence).items()}
    return values, intervals


def _path(folder: RunFolder, baseline: str, name: str) -> Any:
    return folder.predictions / f"baseline-{baseline}-{name}.parquet"


def _fingerprint(data: Dataset, recipe: Recipe) -> str:
    """Of all that a baseline depends on: content and division of the data, the seed by which rows are drawn, the task."""
    parts = (str(VERSION), str(data.card.get("fingerprint")), str(recipe.seed), recipe.task, str(recipe.options))
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _readable(folder: RunFolder) -> Entries:
    """What is kept; a damaged file is computed anew."""
    try:
        return verdict.kept(folder)
    except DanluError:
        return {}


class _Told:
    """Passes the progress of one baseline on, a few times a second."""

    def __init__(self, progress: Progress | None, stage: str) -> None:
        self._progress, self._stage = progress, stage
        self._next, self._total = time.monotonic() + 0.25, 1

    def __call__(self, done: int, total: int) -> None:
        self._total = max(1, total)
        if self._progress is not None and done < total and (now := time.monotonic()) >= self._next:
            self._next = now + 0.25
            self._progress(self._stage, done, total)

    def end(self) -> None:
        if self._progress is not None:
            self._progress(self._stage, self._total, self._total)
