"""Rows of a table as mappings, kept column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.columns import Column, pick

_SPAN = 4096  # rows read together where all are


class Records(Column[dict[str, Any]]):
    """Row → {name: raw cell}. columns: name → raw values, all of one length. types: of columns whose file says them."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], rows: int, types: Mapping[str, str] | None = None) -> None:
        self.columns = dict(columns)
        self.rows = rows
        self.types = dict(types or {})

    def __len__(self) -> int:
        return self.rows

    def _value(self, row: int) -> dict[str, Any]:
        return {name: column[row] for name, column in self.columns.items()}

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            some = {name: column[row] for name, column in self.columns.items()}
            return Records(some, len(range(*row.indices(self.rows))), self.types)
        return super().__getitem__(row)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = tuple(self.columns)
        for start in range(0, self.rows, _SPAN):
            some = [column[start : start + _SPAN] for column in self.columns.values()]
            for row in zip(*some, strict=True) if some else ((),) * min(_SPAN, self.rows - start):
                yield dict(zip(names, row, strict=True))

    def at(self, rows: np.ndarray) -> Records:
        return self.take(rows)

    def take(self, rows: np.ndarray) -> Records:
        return Records({name: pick(column, rows) for name, column in self.columns.items()}, len(rows), self.types)


def cells(raws: Sequence[Any], name: str) -> list[Any]:
    """One column of rows that are mappings; None where a row lacks it."""
    if isinstance(raws, Records):
        return list(raws.columns[name]) if name in raws.columns else [None] * raws.rows
    return [raw.get(name) if isinstance(raw, Mapping) else None for raw in raws]


def names_in(raws: Sequence[Any]) -> list[str]:
    """Columns of rows that are mappings, in the order in which they come first."""
    if isinstance(raws, Records):
        return list(raws.columns)
    found: dict[str, None] = {}
    for raw in raws:
        if isinstance(raw, Mapping):
            found.update(dict.fromkeys(raw))
    return list(found)


def lacking(raws: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Those of ``names`` that some row has not; all, where one is no mapping."""
    if isinstance(raws, Records):
        return [name for name in names if name not in raws.columns]
    return [name for name in names if any(not isinstance(raw, Mapping) or name not in raw for raw in raws)]
