"""From a recipe to a dataset: source → table → kinds → cache → clean → duplicates → split → statistics → card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data import duplicates, reading
from danlu.data.beforehand import beforehand, learning
from danlu.data.cache.fill import fill
from danlu.data.cache.store import Cache
from danlu.data.card import Findings, card
from danlu.data.chains import longest_chain
from danlu.data.clean import judge, judge_objects
from danlu.data.columns import pick
from danlu.data.dataset import Dataset, Store
from danlu.data.dividing import Divided, divide, divided_by, limited, refuse_shared, rows_of, strata_of
from danlu.data.fitting import Layout, lay_out
from danlu.data.fitting import fit as fit_kinds
from danlu.data.kinds.base import Kind
from danlu.data.kinds.category import Category
from danlu.data.kinds.labels import Labels
from danlu.data.places import cache_folder
from danlu.data.progress import Pace, Progress
from danlu.data.row_names import keys_in
from danlu.data.split import PARTS
from danlu.data.stream import Stream, checked
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.large import arrays
from danlu.large.arrays import blocks, gathered, lie_in, where, zeros
from danlu.messages import say
from danlu.randomness import order
from danlu.recipe.names import load_object
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import Column, TaskSpec

_COUNTED = (
    2**28
)  # values (pixels) that statistics look at: all of a small set, a part drawn by sample keys of a large one
_DESCRIBED = 2**25
_AT_ONCE = 2**22


def prepare(
    recipe: Recipe,
    spec: TaskSpec,
    progress: Progress | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
    part: Part | None = None,
    reader: Callable[[Recipe, Mapping[str, Column], Progress | None], tuple[str, Table]] = reading.read,
) -> Dataset:
    """The dataset that ``recipe.data`` describes, for the columns that the task wants.

    kinds: those of an earlier run, instead of new ones fitted to these data (a class they don't know is a bad row). part: the part
    that all rows belong to, whatever the source and the split say. reader: (recipe, wanted columns, progress) → (source, table).

    Raises DataError: nothing there, columns that don't fit, too many bad rows, a split that can't be made, no disk space.
    """
    lie_in(cache_folder(recipe.data.cache))
    format_, table = reader(recipe, spec.columns, progress)
    judge_objects(recipe, table, taught=kinds is None)
    there = {name: wish for name, wish in spec.columns.items() if name in table.columns or not wish.optional}
    if len(there) < len(spec.columns):  # the data lack what is optional
        spec = replace(spec, columns=there)
        kinds = None if kinds is None else {name: kind for name, kind in kinds.items() if name in there}
    found = len(table) + len(table.problems)
    shares = {"val": recipe.data.split.val, "test": recipe.data.split.test}
    if part is not None:
        shares, table = {}, replace(table, given=[part] * len(table))
    if spec.clean and part is None:
        table = load_object(spec.clean)(recipe, table)
    own: Divided | None = None
    if spec.divide and part is None:
        own = divided_by(load_object(spec.divide), recipe, table, progress)
        table = own.table
    ready = kinds
    learners = learning(spec.columns)
    kinds = (
        dict(ready)
        if ready is not None
        else fit_kinds(recipe, {n: c for n, c in spec.columns.items() if n not in learners}, table, progress)
    )
    inputs = tuple(name for name, column in spec.columns.items() if column.role == "input")
    classed = {name: kind for name, kind in kinds.items() if isinstance(kind, (Category, Labels))}
    aim = next((name for name in classed if name not in inputs), None)
    early = None
    if spec.disjoint is not None and recipe.data.split.stratify is True:
        raise DataError.of("data.split.stratify", say("disjoint.stratify", column=spec.disjoint))
    if recipe.data.limit is not None:
        known = None if aim is None else (aim, classed[aim])
        table, early = limited(recipe, table, known, shares, disjoint=spec.disjoint is not None)
    raw = None if aim is None or not learners else strata_of(table.columns[aim], classed[aim])
    first = beforehand(recipe, spec.columns, table, raw, shares, early, spec.alike, progress)
    if first is not None and ready is None:
        some = table.take(first.training)
        kinds |= fit_kinds(recipe, {name: spec.columns[name] for name in learners}, some, progress)
        kinds = {name: kinds[name] for name in spec.columns}
    folder = cache_folder(recipe.data.cache) / "prepared"
    kinds, layout = lay_out(recipe, kinds, table, folder)
    store = _store(recipe, layout, table, kinds, inputs, folder, progress)
    judge(recipe, store.bad, table.problems, len(store.rows))

    rows = store.rows
    ids, origins = pick(table.ids, rows), pick(table.origins, rows)
    keys = keys_in(ids)
    labels = {name: _labels(store, name, len(rows)) for name in classed}
    target = None if aim is None else classed[aim].strata(labels[aim])
    twins = duplicates.twins(store.hashes if first is None else gathered(first.exact, rows))
    wanted = rows_of(table, rows, keys, target, origins)
    if spec.disjoint is not None:
        wanted = wanted.apart(labels[spec.disjoint])
    before = None if early is None else replace(early, codes=early.codes[rows])
    if first is None:
        divided, codes = divide(recipe, wanted, store.hashes, twins, shares, before)
    else:
        divided, codes = first.split, first.codes[rows]
    if spec.disjoint is not None:
        refuse_shared(codes, labels[spec.disjoint], classed[spec.disjoint], spec.disjoint, origins)
    parts: dict[Part, np.ndarray] = {part: where(codes == code) for code, part in enumerate(PARTS)}
    statistics = {
        name: _statistics(store, name, kind, parts["train"], keys, recipe.seed, progress)
        for name, kind in kinds.items()
    }
    told = None if aim is None else _told(labels[aim])
    report = duplicates.report(twins, codes, told, origins)
    report |= {} if first is None else first.report(rows, codes, told, origins)
    if aim is not None and isinstance(classed[aim], Labels) and "stratified" in divided.how:
        divided = replace(divided, how=f"{divided.how} (by each row's rarest label)")
    if own is not None and own.how:
        divided = replace(divided, how=own.how)
    chain = None
    if recipe.data.duplicates == "one-side" and "group" in table.extra and divided.how.startswith("grouped"):
        copies = store.hashes if first is None else gathered(first.exact if first.near is None else first.near, rows)
        chain = longest_chain(wanted.groups, copies) if wanted.groups is not None and len(copies) else None
    findings = Findings(
        source=recipe.data.source,
        format=format_,
        table=table,
        found=found,
        bad=store.bad,
        notes=store.notes,
        keys=keys,
        hashes=store.hashes,
        split=divided,
        codes=codes,
        seed=recipe.seed,
        duplicates={"policy": recipe.data.duplicates, **report},
        dropped=int((codes < 0).sum()),
        layout=layout,
        columns=_described(spec, store, kinds, parts["train"], keys, recipe.seed, statistics),
        called={
            **{
                name: column
                for name, column in recipe.data.columns.items()
                if name in kinds and isinstance(column, str)
            },
            **{name: guess.column for name, guess in table.guessed.items() if name in kinds},
        },
        classes={name: kind.classes for name, kind in classed.items()},
        labels=labels,
        target=aim,
        groups=wanted.groups,
        shares=shares,
        disjoint=spec.disjoint,
        facts=own.facts if own is not None else {},
        chain=chain,
    )
    return Dataset(
        store=store,
        kinds=kinds,
        inputs=inputs,
        targets=tuple(name for name, column in spec.columns.items() if column.role == "target"),
        ids=ids,
        origins=origins,
        keys=keys,
        parts={part: rows for part, rows in parts.items() if len(rows)},
        statistics=statistics,
        card=card(findings),
    )


def _store(
    recipe: Recipe,
    layout: Layout,
    table: Table,
    kinds: Mapping[str, Kind],
    inputs: tuple[str, ...],
    folder: Path,
    progress: Progress | None,
) -> Cache | Stream:
    workers = recipe.data.workers if isinstance(recipe.data.workers, int) and recipe.data.workers > 0 else None
    make: Any = checked if layout == "stream" else fill
    store: Cache | Stream = make(table, kinds, folder, progress, inputs=inputs, workers=workers)
    return store


def _labels(store: Store, column: str, count: int) -> np.ndarray:
    """Of every row the class index, int64 (N,), or the set of classes, uint8 (N, K)."""
    return np.asarray(store.gather(column, np.arange(count, dtype=np.int64)))


def _told(labels: np.ndarray) -> np.ndarray:
    """int64 (N,): the same number for the same label, or the same set of labels."""
    if labels.ndim == 1:
        return labels
    return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _sample(
    kind: Kind, store: Store, column: str, rows: np.ndarray, keys: np.ndarray, seed: int, values: int
) -> tuple[np.ndarray, int]:
    """(int64: as many of ``rows`` as hold about so many values, drawn by their keys, sorted; values in one of them)."""
    shape = kind.storage().shape
    each = max(1, prod(shape) if -1 not in shape else _typical(store, column, rows))
    most = max(1, values // each)
    if len(rows) <= most:
        return rows, each
    return np.sort(rows[order(seed, "statistics", 0, keys[rows])[:most]]), each


def _typical(store: Store, column: str, rows: np.ndarray) -> int:
    """Values in one row of many sizes: the largest of a few."""
    few = rows[:: max(1, len(rows) // 8)][:8]
    return max((value.size for value in store.gather(column, few)), default=1)


def _statistics(
    store: Store, column: str, kind: Kind, rows: np.ndarray, keys: np.ndarray, seed: int, progress: Progress | None
) -> dict[str, Any]:
    if type(kind).statistics is Kind.statistics or not len(rows):
        return {}
    rows, each = _sample(kind, store, column, rows, keys, seed, _COUNTED)
    step = max(1, _AT_ONCE // each)
    pace = Pace(progress, say("data.counting"), len(rows))

    def gathering() -> Iterator[Any]:
        for start in range(0, len(rows), step):
            pace(start)
            yield store.gather(column, rows[start : start + step])

    result = kind.statistics(gathering())
    _let_go(store)
    pace.end(len(rows))
    return result


def _chosen(store: Store, column: str, kind: Kind, rows: np.ndarray) -> Any:
    """What the store gathers; of very many single values piece by piece."""
    storage = kind.storage()
    if storage.layout != "fixed" or storage.shape or len(rows) <= arrays.AT_ONCE:
        return store.gather(column, rows)
    made = zeros(len(rows), storage.dtype)
    for some in blocks(len(rows), made, rows):
        made[some] = store.gather(column, rows[some])
    return made


def _let_go(store: Store) -> None:
    if isinstance(store, Cache):
        store.release()


def _described(
    spec: TaskSpec,
    store: Store,
    kinds: Mapping[str, Kind],
    rows: np.ndarray,
    keys: np.ndarray,
    seed: int,
    statistics: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """What the card says of each column: kind, role, how it is stored, what its training rows hold."""
    described = {}
    for name, kind in kinds.items():
        storage = kind.storage()
        alike = -1 not in storage.shape and len(storage.shape) > 1  # nothing differs but pixels, which statistics count
        chosen = rows[:0] if alike else _sample(kind, store, name, rows, keys, seed, _DESCRIBED)[0]
        described[name] = {
            "kind": kind.name,
            "role": spec.columns[name].role,
            "layout": storage.layout,
            **kind.describe(_chosen(store, name, kind, chosen) if len(chosen) else []),
            **({"statistics": dict(statistics[name])} if statistics[name] else {}),
        }
        if spec.columns[name].role == "input" and type(kind).suspects is not Kind.suspects and len(chosen):
            described[name]["suspects"] = [
                one
                for aim, column in spec.columns.items()
                if column.role == "target"
                for one in kind.suspects(store.gather(name, chosen), np.asarray(store.gather(aim, chosen)), kinds[aim])
            ]
        _let_go(store)
    return described
