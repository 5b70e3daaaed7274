"""Which baselines suit a task, by the kinds of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from danlu.tasks.baselines.base import Baseline
from danlu.tasks.baselines.constant import Majority, Mean, Median
from danlu.tasks.baselines.features import suit
from danlu.tasks.baselines.linear import LinearClasses, LinearNumber
from danlu.tasks.baselines.nearest import NearestClasses, NearestNumber
from danlu.tasks.baselines.tfidf import Tfidf

if TYPE_CHECKING:
    from danlu.data.dataset import Dataset


def by_kinds(data: Dataset) -> Sequence[Baseline]:
    """For one category or number as the target; none for other targets.

    Majority, or mean and median; a linear model where all inputs can be made numbers, one of n-grams
    where there are texts; nearest neighbours where they are images.
    """
    if len(data.targets) != 1:
        return ()
    target = data.targets[0]
    kind = data.kinds[target]
    linear = suit(data.kinds, data.inputs)
    images = all(data.kinds[name].name == "image" for name in data.inputs)
    if kind.name == "category":
        classes = len(kind.classes)  # type: ignore[attr-defined]
        found: list[Baseline] = [Majority(target, classes)]
        found += [LinearClasses(target, classes)] if linear else []
        texts = tuple(name for name in data.inputs if data.kinds[name].name == "text")
        if texts:
            solid = any(getattr(data.kinds[name], "solid", False) for name in texts)
            found.append(Tfidf(target, classes, texts, solid))
        return found + ([NearestClasses(target, classes)] if images else [])
    if kind.name == "number":
        numbers: list[Baseline] = [Mean(target), Median(target)]
        numbers += [LinearNumber(target)] if linear else []
        return numbers + ([NearestNumber(target)] if images else [])
    return ()
