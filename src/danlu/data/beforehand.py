"""The split before anything is prepared: where a kind learns from its column (a vocabulary), it may see training rows alone.

Rows are compared by their raw values: equal ones, and those that a kind calls nearly equal, are kept together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np

from danlu.data import duplicates
from danlu.data.columns import Coded, Numbers, Numerals
from danlu.data.dividing import divide, rows_of
from danlu.data.kinds.base import Kind
from danlu.data.progress import Progress
from danlu.data.row_names import keys_in
from danlu.data.split import TRAIN, Split
from danlu.data.table import Table
from danlu.large.arrays import blocks, where, zeros
from danlu.recipe.names import load_object, resolve
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import Column


@dataclass(frozen=True)
class Beforehand:
    """Of the table's N rows. codes: int8 (N,), parts; -1 for rows left out. exact: uint64 (N,), equal for equal inputs.

    near: int64 (N,), the same for those that are nearly equal, None where it was not asked for.
    """

    split: Split
    codes: np.ndarray
    exact: np.ndarray
    near: np.ndarray | None
    least: float | None

    @property
    def training(self) -> np.ndarray:
        """int64: rows of the training part, or all where there are none."""
        rows = where(self.codes == TRAIN)
        return rows if len(rows) else np.arange(len(self.codes), dtype=np.int64)

    def report(
        self, rows: np.ndarray, codes: np.ndarray, labels: np.ndarray | None, origins: Sequence[str]
    ) -> dict[str, Any]:
        """What the card says of nearly equal rows; empty where they were not looked for. rows: int64, those that were kept."""
        if self.near is None:
            return {}
        found = duplicates.twins(self.near[rows].astype(np.uint64))
        return {"near": {"least": self.least, **duplicates.report(found, codes, labels, origins)}}


def learning(wanted: Mapping[str, Column]) -> tuple[str, ...]:
    """Columns whose kinds learn from training rows alone."""
    return tuple(name for name, column in wanted.items() if _class(column).learns)


def beforehand(
    recipe: Recipe,
    wanted: Mapping[str, Column],
    table: Table,
    labels: np.ndarray | None,
    shares: Mapping[str, float],
    early: Split | None,
    alike: Sequence[str] = (),
    progress: Progress | None = None,
) -> Beforehand | None:
    """None where no kind learns. labels: int64 (N,), by which is stratified. early: see :func:`danlu.data.dividing.divide`. alike:
    columns by whose content rows are equal; none: the inputs.

    Nearly equal rows are not looked for where the parts are given whole, or duplicates are kept. Raises DataError.
    """
    if not learning(wanted):
        return None
    section = getattr(recipe.data, "text", None)
    least: float | None = getattr(section, "near", None)
    if recipe.data.duplicates == "keep" or not shares:
        least = None
    inputs = alike or [name for name, column in wanted.items() if column.role == "input"]
    if all(_class(wanted[name]).likeness.__func__ is Kind.likeness.__func__ for name in inputs):  # type: ignore[attr-defined]
        least = None  # no kind among them that knows what is nearly equal
    exact: np.ndarray | None = None
    close: np.ndarray | None = None
    for name in inputs:
        one, two = _alike(_class(wanted[name]), table.columns[name], least, progress)
        exact, close = _together(exact, one), None if least is None else _together(close, two)
    assert exact is not None
    near = None if close is None else close.astype(np.int64)
    keys = keys_in(table.ids)
    rows = rows_of(table, np.arange(len(table), dtype=np.int64), keys, labels, table.origins)
    units = exact if near is None else near.astype(np.uint64)
    made, codes = divide(recipe, rows, units, duplicates.twins(units), shares, early)
    return Beforehand(replace(made, codes=codes), codes, exact, near, least)


def _class(column: Column) -> type[Kind]:
    found: type[Kind] = load_object(resolve("kind", column.kind))
    return found


def _alike(
    kind: type[Kind], raws: Sequence[Any], least: float | None, progress: Progress | None
) -> tuple[np.ndarray, np.ndarray]:
    """(uint64 (N,) by equality, uint64 (N,) by near equality) of one column."""
    told = kind.likeness(raws, least, progress)
    if told is None:
        exact = _hashes(raws)
        return exact, exact
    return told.exact, told.exact if told.near is None else told.near.astype(np.uint64)


def _hashes(raws: Sequence[Any]) -> np.ndarray:
    """uint64 (N,): of each value; of few different ones each is looked at once."""
    made = zeros(len(raws), np.uint64)
    if isinstance(raws, Coded):
        table = np.fromiter((_hash(raw) for raw in (*raws.values, None)), np.uint64)
        for some in blocks(len(raws), raws.codes, made):
            made[some] = table[raws.codes[some]]
    elif isinstance(raws, Numbers | Numerals):
        for some in blocks(len(raws), raws.values, made):
            content = np.ascontiguousarray(raws.values[some])
            values, place = np.unique(content.view(f"u{content.itemsize}"), return_inverse=True)  # -0.0 is not 0.0
            own = type(raws)(values.view(content.dtype))
            made[some] = np.fromiter(map(_hash, own), np.uint64, len(own))[place.reshape(-1)]
    else:
        several = iter(raws)
        for some in blocks(len(raws)):
            made[some] = np.fromiter(map(_hash, islice(several, some.stop - some.start)), np.uint64)
    return made


def _hash(raw: Any) -> int:
    content = raw.tobytes() if isinstance(raw, np.ndarray) else repr(raw).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def _together(before: np.ndarray | None, column: np.ndarray) -> np.ndarray:
    """uint64 (N,): equal where both are."""
    if before is None:
        return column if column.dtype == np.uint64 else column.astype(np.uint64)
    made = zeros(len(column), np.uint64)
    for some in blocks(len(column), column, before, made):
        own = (column[some] + np.uint64(0x7F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        made[some] = (before[some] * np.uint64(0x9E3779B97F4A7C15)) ^ own
    return made
