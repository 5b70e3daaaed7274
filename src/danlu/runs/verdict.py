"""Whether the net beats the baselines: differences on the same samples, from stored predictions. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from danlu.metrics.base import Metric
from danlu.metrics.bootstrap import Figure, interval, paired
from danlu.metrics.grouped import difference
from danlu.metrics.grouped import paired as paired_by_unit
from danlu.metrics.interval import Interval
from danlu.metrics.meaning import better, within
from danlu.metrics.sampled import of_classes, of_numbers
from danlu.runs.folder import RunFolder
from danlu.runs.judged import ClassPredictions, NumberPredictions, Predictions, of_file
from danlu.runs.stored import Stored
from danlu.training.events import Compared

_MOST = 20_000  # rows and boxes on which a metric that is no sum over samples is computed some forty times

Entries = dict[str, dict[str, Any]]
"""Name of a baseline → {values, intervals, seconds, rows, samples, settings, differences, of}: what ``baselines.json`` holds.

values, intervals: as the run's metrics. rows: training rows it was fitted on. samples: part → how many were judged. settings:
what was chosen when fitting. differences: see :func:`differences`. of: hash of what all of it depends on.
"""


def kept(folder: RunFolder) -> Entries:
    """What the run knows of its baselines; empty where they were never judged. Raises RunError for a damaged file."""
    return dict(folder.read_json(folder.baselines)) if folder.baselines.is_file() else {}


def differences(
    net: Path,
    baseline: Path,
    columns: Mapping[str, Any],
    part: str,
    metric: tuple[str, int],
    make: Callable[[], Sequence[Metric]],
    confidence: float,
) -> dict[str, Any]:
    """{"PART/METRIC": {net, baseline, difference, interval, samples, confidence, better, beaten}} on the samples in both files.

    difference: net - baseline. better: +1 where a larger value is better. interval: None where it isn't known.
    """
    name, sign = metric
    ours, theirs = (of_file(path, dict(columns)) for path in (net, baseline))
    figures = None if ours is None or theirs is None else shared(ours, theirs)
    if figures is not None and name in figures[0]:
        one, other = figures[0][name], figures[1][name]
        apart = paired(other, one)
        values, samples = (one.value, other.value), len(one.features)
        found, bounds = apart.value, interval(apart, confidence)
    else:
        values, samples, found, bounds, _ = by_groups(net, baseline, name, make, confidence)
    known = all(map(math.isfinite, bounds))
    bounds = within(name, bounds) if known else bounds
    surely = min(sign * bounds[0], sign * bounds[1]) if known else sign * found
    told = {
        "net": values[0],
        "baseline": values[1],
        "difference": found,
        "interval": list(bounds) if known else None,
        "samples": samples,
        "confidence": confidence,
        "better": sign,
        "beaten": bool(surely > 0),
    }
    return {f"{part}/{name}": told}


def compared(entries: Entries, part: str, step: int = 0, epoch: int = 0) -> Compared | None:
    """The net beside the best baseline on a part; None where nothing was compared there. entries: of ``baselines.json``."""
    told = {
        name: (key.rpartition("/")[2], entry["differences"][key])
        for name, entry in entries.items()
        for key in entry.get("differences", {})
        if key.rpartition("/")[0] == part
    }
    told = {name: each for name, each in told.items() if math.isfinite(each[1]["baseline"])}
    if not told:
        return None
    metric, some = next(iter(told.values()))
    best = max(told, key=lambda name: some["better"] * told[name][1]["baseline"])
    chosen = told[best][1]
    return Compared(
        step,
        epoch,
        part=part,
        metric=metric,
        net=chosen["net"],
        baselines={name: each["baseline"] for name, (_, each) in told.items()},
        best=best,
        difference=chosen["difference"],
        interval=tuple(chosen["interval"] or (math.nan, math.nan)),
        confidence=chosen["confidence"],
        better=chosen["better"],
        samples=chosen["samples"],
        beaten=chosen["beaten"],
    )


def headline(monitor: tuple[str, int], names: Sequence[str]) -> tuple[str, int]:
    """(metric that decides, +1 where larger is better). names: those that baselines have, without their part."""
    wanted = monitor[0].partition("/")[2]
    return (wanted, monitor[1]) if wanted in names else (names[0], better(names[0]))


def shared(one: Predictions, other: Predictions) -> tuple[dict[str, Figure], dict[str, Figure]] | None:
    """Figures of both on the samples that both judged, in the same order; None where they are of different things."""
    mine, others = both(one.ids, other.ids)
    if isinstance(one, ClassPredictions) and isinstance(other, ClassPredictions):
        return of_classes(one.answers.pick(mine)), of_classes(other.answers.pick(others))
    if isinstance(one, NumberPredictions) and isinstance(other, NumberPredictions):
        return of_numbers(one.predicted[mine], one.true[mine]), of_numbers(other.predicted[others], other.true[others])
    return None


def both(one: Sequence[str], other: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """int64: places in ``one`` and in ``other`` of the ids that stand in both, in ``one``'s order."""
    if len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True)):
        return np.arange(len(one)), np.arange(len(one))
    place = {name: index for index, name in enumerate(other)}
    pairs = [(index, place[name]) for index, name in enumerate(one) if name in place]
    found = np.asarray(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def by_groups(
    one: Path, other: Path, name: str, make: Callable[[], Sequence[Metric]], confidence: float
) -> tuple[tuple[float, float], int, float, Interval, tuple[int, int]]:
    """((one's value, other's), shared samples, one - other, interval, samples of each) of a metric that is no sum over samples.

    Samples are taken as ``one``'s file labels them.
    """
    ours, theirs = Stored(one), Stored(other)
    mine, others = both(ours.ids(), theirs.ids())
    truth = {column: _picked(ours, f"true/{column}", mine) for column in ours.truths}
    first = {column: _picked(ours, column, mine) for column in ours.predictions}
    second = {column: _picked(theirs, column, others) for column in theirs.predictions}
    counts = len(ours), len(theirs)
    if not len(mine):
        return (math.nan, math.nan), 0, math.nan, (math.nan, math.nan), counts
    values = []
    for predictions in (first, second):
        found: dict[str, float] = {}
        for metric in make():
            metric.update(predictions, truth)
            found |= metric.compute()
        values.append(found[name])
    exact = paired_by_unit(make, name, second, first, truth, confidence)
    if exact is not None:
        return (values[0], values[1]), len(mine), *exact, counts
    size = sum(np.size(value) for column in first.values() for value in column) // 6
    if max(len(mine), size) > _MOST and not all(metric.sums for metric in make()):
        return (values[0], values[1]), len(mine), values[0] - values[1], (math.nan, math.nan), counts
    apart, bounds = difference(make, name, second, first, truth, confidence)
    return (values[0], values[1]), len(mine), apart, bounds, counts


def _picked(stored: Stored, column: str, rows: np.ndarray) -> Any:
    blocks = [block[column] for block in stored.blocks((column,))]
    if all(isinstance(block, np.ndarray) for block in blocks) and len({block.shape[1:] for block in blocks}) == 1:
        return np.concatenate(blocks)[rows]
    every = [value for block in blocks for value in block]
    return [every[row] for row in rows]
