"""Which source a recipe means, and the table it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any

from danlu.data.progress import Progress
from danlu.data.sources._text import plain_file
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.names import catalogue, load_object, resolve
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import Column

_LAST = "folder"  # claims every folder


def read(recipe: Recipe, wanted: Mapping[str, Column], progress: Progress | None = None) -> tuple[str, Table]:
    """(name of the source, its rows). Raises DataError where nothing is there, or nothing can read it.

    Where it can't be read with the columns that are optional, it is read without them, unless the recipe names one.
    """
    name, source, path = choose(recipe)
    spare = [key for key, column in wanted.items() if column.optional and key not in recipe.data.columns]
    fewer = [set(some) for count in range(1, len(spare) + 1) for some in combinations(reversed(spare), count)]
    table: Table
    for without in [set[str](), *fewer]:
        try:
            some = {key: column for key, column in wanted.items() if key not in without}
            table = source.read(path, recipe.data, some, progress)
        except DataError:
            if len(without) == len(spare):
                raise
            continue
        if without:
            missing = ", ".join(key for key in wanted if key in without)
            table = replace(table, notes=(*table.notes, (str(path), say("data.without", columns=missing))))
        return name, _arranged(recipe, table, some)
    raise AssertionError("the last attempt raises")


def _arranged(recipe: Recipe, table: Table, wanted: Mapping[str, Column]) -> Table:
    """As the columns' kinds need it, see :meth:`danlu.data.kinds.base.Kind.arranged`."""
    for name, column in wanted.items():
        kind, told = load_object(resolve("kind", column.kind)), recipe.options.get(column.kind)
        table = kind.arranged(table, name, told if isinstance(told, Mapping) else {})
    return table


def choose(recipe: Recipe) -> tuple[str, Any, Path]:
    """(name, module, path) of the source: ``data.format``, else the first that recognises what ``data.source`` names."""
    text, where = recipe.data.source, recipe.where("data.source")
    targets = catalogue("source")
    if "://" in text:
        raise DataError.of(where, say("data.source.url", source=text), say("data.source.url.remedy"))
    path = Path(text).expanduser()
    if text.partition(":")[0] == "builtin":
        return "builtin", load_object(targets["builtin"], where), path
    if not path.exists():
        raise DataError.of(where, say("data.source.missing", path=path.absolute()), _nearest(path))
    if not path.is_dir():
        plain_file(path)
    if recipe.data.format != "auto":
        return recipe.data.format, load_object(targets[recipe.data.format], where), path
    for name in sorted(targets, key=lambda name: (name == _LAST, name)):
        source = load_object(targets[name], where)
        if source.recognises(path):
            return name, source, path
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        raise DataError.of(where, say("tables.excel", path=path), say("tables.excel.remedy"))
    kinds = ", ".join(name for name in targets if name != "builtin")
    raise DataError.of(where, say("data.source.unknown", path=path), say("data.source.unknown.remedy", formats=kinds))


def _nearest(path: Path) -> str:
    """The built-in set or the neighbour whose name is nearest."""
    from danlu.data.sources.builtin import PREFIX, names

    if str(path) in names():
        return say("data.builtin.nearest", name=PREFIX + str(path))
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return say("data.source.missing.remedy", folder=Path.cwd())
    near = get_close_matches(path.name, beside, n=1)
    return (
        say("data.builtin.nearest", name=path.parent / near[0])
        if near
        else say("data.source.missing.remedy", folder=Path.cwd())
    )
