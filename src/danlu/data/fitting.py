"""Kinds for a task's columns: what they learn from the raw values, and how their values will lie in the cache."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from danlu.data.kinds.base import BadValue, Kind, prepare_row
from danlu.data.kinds.category import class_name
from danlu.data.progress import Progress
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.names import load_object, resolve
from danlu.recipe.schema import Recipe, Section
from danlu.recipe.spec import Column

_LARGEST = 8 * 2**30  # bytes: a decoded cache up to this is taken without asking
_PROBED = 16
_NO_CLASSES = {"labels": "labels.no-classes", "mask": "masks.no-classes"}

Layout = Literal["decoded", "encoded", "stream"]


def fit(
    recipe: Recipe, wanted: Mapping[str, Column], table: Table, progress: Progress | None = None
) -> dict[str, Kind]:
    """Column → fitted kind.

    A kind's options are the recipe's section of its name (``data.image``, or one of the task's options), the column's own where the
    recipe leaves them to be chosen, and the classes that the source knows. Columns of the same option "together" are given each other's
    values, unless the task's option ``shared`` is off. Raises DataError for a category of fewer than two classes,
    or of nearly as many as there are rows.
    """
    kinds: dict[str, Kind] = {}
    for name, column in wanted.items():
        kind = load_object(resolve("kind", column.kind))
        section = getattr(recipe.data, kind.section or column.kind, None)
        chosen = section.model_dump() if isinstance(section, Section) else _own(recipe, kind.section or column.kind)
        if kind.section and kind.section != column.kind:
            chosen |= _own(recipe, column.kind)
        options: dict[str, Any] = {
            **chosen,
            **{key: value for key, value in column.options.items() if chosen.get(key, "auto") == "auto"},
        }
        if recipe.data.storage == "encoded":
            options["storage"] = "encoded"
        options.pop("together", None)
        if (named := options.pop("language", None)) is not None:
            options["language"] = (named, recipe.options.get(named))
        if "text" in (kind.section, column.kind) and chosen.get("tokenizer", "auto") == "auto":
            options["begun"] = recipe.model.pretrained  # a run knows the words that it has learnt, and no others
        if (together := column.options.get("together")) and recipe.options.get("shared", True):
            options["together"] = [table.columns[n] for n, c in wanted.items() if c.options.get("together") == together]
        if kind.name == "features":
            options["progress"] = progress
        if name in table.classes and "classes" not in options:
            options["classes"] = table.classes[name]
        kinds[name] = kind.fit(table.columns[name], options)
        _check_classes(name, column, kinds[name], table.columns[name])
    return kinds


def _own(recipe: Recipe, kind: str) -> dict[str, Any]:
    """What the task's own options say of a kind."""
    told = recipe.options.get(kind)
    return {key: value for key, value in told.items() if value is not None} if isinstance(told, Mapping) else {}


def _check_classes(name: str, column: Column, kind: Kind, raws: Sequence[Any]) -> None:
    rows = len(raws)
    classes: Sequence[str] | None = getattr(kind, "classes", None)
    if classes is None or column.role != "target":
        return
    if column.kind == "category" and not classes and rows:
        raise DataError.of(f"data.columns.{name}", say("data.category.none", reason=_reason(raws)))
    if column.kind == "category" and len(classes) < 2:
        shown = ", ".join(classes)
        raise DataError.of(
            f"data.columns.{name}", say("data.category.one-class", classes=shown), say("data.category.one-class.remedy")
        )
    if not classes:
        what = say(_NO_CLASSES.get(column.kind, "data.boxes.no-classes"))
        raise DataError.of(f"data.columns.{name}", what)
    if column.kind in ("category", "labels") and rows >= 50 and len(classes) > rows / 2:
        shown = ", ".join(label[:60] for label in classes[:5])
        what = say("data.category.too-many", classes=len(classes), rows=rows, first=shown)
        raise DataError.of(f"data.columns.{name}", what, say("data.category.too-many.remedy", column=name))


def _reason(raws: Sequence[Any]) -> str:
    """Why the first of the values is no class."""
    try:
        return class_name(raws[0])
    except BadValue as error:
        return str(error)


def lay_out(recipe: Recipe, kinds: Mapping[str, Kind], table: Table, folder: Path) -> tuple[dict[str, Kind], Layout]:
    """(kinds as they are to be stored, layout). "auto": pixels while they take less than 8 GiB and half of the free disk, else the
    files' own bytes while these take less than half of it, else a stream.
    """
    chosen = recipe.data.storage
    if chosen != "auto":
        return dict(kinds), chosen
    room = free(folder) / 2
    if _estimate(kinds, table) <= min(_LARGEST, room):
        return dict(kinds), "decoded"
    packed = {name: _encoded(kind) for name, kind in kinds.items()}
    if _estimate(packed, table) <= room:
        return packed, "encoded"
    return dict(kinds), "stream"


def _encoded(kind: Kind) -> Kind:
    spec = kind.spec()
    return type(kind)(**{**spec, "stored": "encoded"}) if "stored" in spec else kind


def free(folder: Path) -> int:
    """Bytes free on the disk on which ``folder`` is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _estimate(kinds: Mapping[str, Kind], table: Table) -> float:
    """Bytes of all prepared rows: exact for fixed layouts, else from a few rows, evenly drawn."""
    fixed = [value_bytes(kind) for kind in kinds.values()]
    if None not in fixed:
        return float(len(table) * sum(filter(None, fixed)))
    sizes = []
    for row in np.linspace(0, len(table) - 1, min(_PROBED, len(table))).astype(np.int64).tolist():
        try:
            made = prepare_row(kinds, {name: table.columns[name][row] for name in kinds})
        except BadValue:
            continue
        sizes.append(sum(value.value.nbytes for value in made.values()))
    return len(table) * float(np.mean(sizes)) if sizes else 0.0


def value_bytes(kind: Kind) -> int | None:
    """Bytes of one stored value, None where they differ."""
    storage = kind.storage()
    return prod(storage.shape) * np.dtype(storage.dtype).itemsize if storage.layout == "fixed" else None
