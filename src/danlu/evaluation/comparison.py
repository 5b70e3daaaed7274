"""``danlu.compare``: what differs between runs, and what difference it made on the samples that both have judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from danlu.evaluation import sentences
from danlu.evaluation.differences import Difference, data_differences, environment_differences, recipe_differences
from danlu.evaluation.pairing import Flips, flips, pair
from danlu.evaluation.predictions import columns_of, path_of
from danlu.metrics.bootstrap import interval, paired
from danlu.metrics.interval import Interval
from danlu.metrics.meaning import better, within
from danlu.recipe.names import load_object, spec_of
from danlu.runs.judged import of_file
from danlu.runs.run import Run
from danlu.runs.verdict import both, by_groups, headline

_NOT_JUDGED = ("bias",)  # neither larger nor smaller is better


@dataclass(frozen=True)
class MetricDifference:
    """A metric of both runs on the shared samples. difference: other - first; interval: of that paired difference, NaN if unknown.

    better: +1 where a larger value is better. resolved: whether the interval excludes 0.
    """

    name: str
    first: float
    other: float
    difference: float
    interval: Interval
    better: int

    @property
    def resolved(self) -> bool:
        return self.interval[0] > 0 or self.interval[1] < 0


@dataclass(frozen=True)
class Pair:
    """A run beside the first one. shared: samples both judged against the same label; only_first, only_other: by one alone;
    relabelled: ids of samples they judged against different labels, which are left out. metrics: the deciding one first; empty where
    nothing is shared. flips: None for numbers and boxes.
    """

    first: str
    other: str
    shared: int
    only_first: int
    only_other: int
    relabelled: tuple[str, ...]
    metrics: tuple[MetricDifference, ...]
    flips: Flips | None
    confidence: float

    def sentence(self) -> str:
        """Which is better by how much, or that these samples don't tell; in the reader's language."""
        return sentences.pair(self)


@dataclass(frozen=True)
class Comparison:
    """names, paths: of the runs. recipe, environment, data: only what differs. values: metric → what each run reported of itself.

    pairs: every run but the first beside the first.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    part: str
    recipe: tuple[Difference, ...]
    environment: tuple[Difference, ...]
    data: tuple[Difference, ...]
    values: dict[str, tuple[float | None, ...]]
    pairs: tuple[Pair, ...]

    def sentence(self) -> str:
        """The whole in plain words: each pair, then what differs between the recipes."""
        return sentences.whole(self)

    def __str__(self) -> str:
        return self.sentence()

    def as_dict(self, most: int | None = None) -> dict[str, Any]:
        """JSON-able but for NaN. most: ids of each list."""
        told = asdict(self)
        for entry, each in zip(told["pairs"], self.pairs, strict=True):
            entry["flips"] = None if each.flips is None else each.flips.as_dict(most)
            entry["relabelled"] = {"count": len(each.relabelled), "ids": list(each.relabelled[:most])}
            entry["sentence"] = each.sentence()
        return told | {"sentence": self.sentence()}


def compare(*runs: str | Path | Run, part: str = "test", confidence: float = 0.95) -> Comparison:
    """Two or more runs. part: whose stored predictions are compared: "test", "val", or any file in ``predictions/``.

    Raises RunError where a run or its predictions are missing.
    """
    if len(runs) < 2:
        raise ValueError("there is nothing to compare a single run with")
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    paths = [run.path for run in opened]
    for path in paths:
        path_of(path, part)
    recipes = [run.recipe for run in opened]
    reported = [run.metrics for run in opened]
    keys = [key for key in dict.fromkeys(key for each in reported for key in each) if key.startswith(f"{part}/")]
    names = _names(paths)
    return Comparison(
        names=names,
        paths=tuple(map(str, paths)),
        part=part,
        recipe=tuple(recipe_differences(recipes)),
        environment=tuple(environment_differences(paths)),
        data=tuple(data_differences(paths)),
        values={key: tuple(each.get(key) for each in reported) for key in keys},
        pairs=tuple(
            _pair(opened[0], run, names[0], name, part, confidence)
            for run, name in zip(opened[1:], names[1:], strict=True)
        ),
    )


def _pair(first: Run, other: Run, first_name: str, other_name: str, part: str, confidence: float) -> Pair:
    files = path_of(first.path, part), path_of(other.path, part)
    predictions = [of_file(file, columns_of(run.path), part) for file, run in zip(files, (first, other), strict=True)]
    one, two = predictions
    if one is None or two is None:
        return _boxes(first, files, (first_name, other_name), confidence)
    together = pair(one, two)
    mine, others = both(one.ids, two.ids)
    metrics: list[MetricDifference] = []
    if together is not None and together.ids:
        figures = together.figures()
        for name in figures[0]:
            if name in figures[1] and name not in _NOT_JUDGED:
                apart = paired(figures[0][name], figures[1][name])
                values = figures[0][name].value, figures[1][name].value
                bounds = within(name, interval(apart, confidence))
                metrics.append(MetricDifference(name, *values, apart.value, bounds, better(name)))
        decides = _decides(first, [metric.name for metric in metrics])[0]
        metrics.sort(key=lambda metric: metric.name != decides)
    return Pair(
        first_name,
        other_name,
        shared=len(together.ids) if together else 0,
        only_first=len(one) - len(mine),
        only_other=len(two) - len(others),
        relabelled=tuple(together.relabelled) if together else (),
        metrics=tuple(metrics),
        flips=flips(together) if together is not None and together.ids else None,
        confidence=confidence,
    )


def _boxes(first: Run, files: tuple[Path, Path], names: tuple[str, str], confidence: float) -> Pair:
    """Predictions that are neither classes nor numbers: the deciding metric of the task, by leaving out groups of samples."""
    from danlu.runs.columns import restore

    recipe = first.recipe
    spec = spec_of(recipe.task, recipe.where("task"))
    task = load_object(spec.task)(recipe, restore(columns_of(first.path)))
    name, sign = _decides(first, [key for metric in task.metrics() for key in metric.compute()])
    values, shared, apart, bounds, counts = by_groups(
        files[1], files[0], name, lambda: list(task.metrics()), confidence
    )
    found = (MetricDifference(name, values[1], values[0], apart, within(name, bounds), sign),) if shared else ()
    return Pair(*names, shared, counts[1] - shared, counts[0] - shared, (), found, None, confidence)


def _decides(run: Run, names: Sequence[str]) -> tuple[str, int]:
    recipe = run.recipe
    return headline(spec_of(recipe.task, recipe.where("task")).monitor, names)


def _names(paths: Sequence[Path]) -> tuple[str, ...]:
    """The folders' names; with the folders above where they would be equal."""
    for depth in range(1, 1 + max(len(path.resolve().parts) for path in paths)):
        found = tuple("/".join(path.resolve().parts[-depth:]) for path in paths)
        if len(set(found)) == len(found):
            return found
    return tuple(f"{path.name} ({place})" for place, path in enumerate(paths, 1))
