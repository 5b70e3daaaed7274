"""Judges, prepares and answers a little and then twenty times as much, for test_memory.py, which watches from outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from danlu import recipe as recipes
from danlu import runs
from danlu.data.cache.fill import fill
from danlu.data.dataset import Dataset
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.data.kinds.number import Number
from danlu.data.prepare import prepare
from danlu.data.table import Table
from danlu.recipe.names import spec_of
from danlu.runs.assembling import Bench, bench
from danlu.runs.choices import Choices
from danlu.runs.columns import restore
from danlu.runs.folder import RunFolder
from danlu.runs.predictions import PredictionWriter, keeper
from tests.endtoend.footprint import own as own_memory
from tests.endtoend.footprint import phase, tell

FEW = {"images": 10_000, "numbers": 20_000}
TIMES = 20


class Names(Sequence[str]):
    """Ids that take no memory."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: Any) -> Any:
        return f"sample {row}"


def images(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    draw = np.random.default_rng(0)
    kinds = {"image": Image(4, 4, 1), "label": Category(tuple(map(str, range(16))))}
    pixels = draw.integers(0, 256, (count, 4, 4), dtype=np.uint8)
    return kinds, {"image": pixels, "label": draw.integers(0, 16, count).astype(str)}


def numbers(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    draw = np.random.default_rng(0)
    names = ("area", "rooms", "price")
    return {name: Number() for name in names}, {name: draw.normal(100, 10, count) for name in names}


RECIPES: dict[str, dict[str, Any]] = {
    "images": {"task": "image-classification", "model": {"name": "mlp", "args": {"widths": [4]}}},
    "numbers": {"task": "house_price.spec:SPEC"},
}


def bench_of(name: str, count: int, folder: Path) -> Bench:
    """Everything judging needs, the data in a cache that is mapped."""
    kinds, columns = (images if name == "images" else numbers)(count)
    table = Table(columns, Names(count), Names(count), f"{name} {count}")
    store = fill(table, kinds, folder)
    own = {"run": {"folder": "runs"}, "train": {"device": "cpu", "threads": 1, "precision": "fp32"}}
    recipe = recipes.complete(recipes.from_dict({**RECIPES[name], **own, "evaluate": {"batch_size": 2048}}))
    spec = spec_of(recipe.task, "task")
    some = store.gather_all(kinds, np.arange(1000))
    statistics = {column: kind.statistics([some[column]]) for column, kind in kinds.items()}
    inputs = tuple(column for column in kinds if spec.columns[column].role == "input")
    targets = tuple(column for column in kinds if column not in inputs)
    keys, parts = np.arange(count, dtype=np.uint64), {"test": np.arange(count)}
    ids = Names(count)
    data = Dataset(store, kinds, inputs, targets, ids, ids, keys, parts, statistics, {})  # type: ignore[arg-type]
    return bench(recipe, spec, data, Choices())


def warmed(folder: Path) -> None:
    """Arrow takes some 30 MB once, when a first row group is written."""
    with PredictionWriter(folder / "warm.parquet") as writer:
        for _ in range(40):
            boxes = [np.ones((12, 6), np.float32)] * 256
            writer.add(
                ["sample"] * 256, {"boxes": boxes}, {"boxes": boxes, "probability": np.ones((256, 8), np.float32)}
            )


def judging(folder: Path) -> None:
    """A part of so many rows, every prediction written down."""
    for name, few in FEW.items():
        for size, count in sizes(few):
            made = bench_of(name, count, folder / "cache")
            made.feed("test")  # which rows are to be judged: an index of 8 bytes a row
            with phase(f"judge-{name}-{size}"), PredictionWriter(folder / f"{name}.parquet") as writer:
                made.judge("test", keep=keeper(made, writer))(made.net)


def finding(folder: Path) -> None:
    """Objects in images, judged by average precision. (Filling a cache takes some blocks of 8 MB, however many images there are.)"""
    run = RunFolder.open(folder / "runs" / "boxes")
    fitted = restore(run.read_json(run.columns))
    for size, _ in sizes(0):
        source = {"data.source": str(folder / f"boxes-{size}.json"), "data.split": {}}
        recipe = recipes.patch(recipes.resolved(run.recipe), source)
        spec = spec_of(recipe.task, "task")
        data = prepare(recipe, spec, kinds=fitted.kinds, part="test")
        made = bench(recipe, spec, replace(data, statistics=fitted.statistics), Choices())
        with phase(f"find-{size}"), PredictionWriter(folder / "found.parquet") as writer:
            made.judge("test", keep=keeper(made, writer))(made.net)


def answering(folder: Path) -> None:
    """A folder of files."""
    for size, _ in sizes(0):
        with phase(f"answer-{size}"):
            for answer in runs.predict(folder / "runs" / "shapes", [folder / f"files-{size}"]):
                assert "label" in answer


def preparing(folder: Path) -> None:
    """A table of numbers, which stays while its memory is looked at."""
    for size, _ in sizes(0):
        own = {"task": "house_price.spec:SPEC", "data": {"source": str(folder / f"houses-{size}.csv")}}
        recipe = recipes.complete(recipes.from_dict(own))
        before = own_memory()
        with phase(f"prepare-{size}"):
            data = prepare(recipe, spec_of(recipe.task, "task"))
        assert len(data)
        tell("begin", f"kept-{size}", before)
        tell("end", f"kept-{size}", own_memory())


def sizes(few: int) -> tuple[tuple[str, int], ...]:
    """The first time some things are loaded; the last time for a phase's name is the one that counts."""
    return ("few", few), ("few", few), ("many", TIMES * few)


if __name__ == "__main__":
    os.environ["DANLU_CACHE"] = str(Path.cwd() / "cache")
    warmed(Path.cwd())
    for word in sys.argv[1:]:
        {"judge": judging, "find": finding, "answer": answering, "prepare": preparing}[word](Path.cwd())
