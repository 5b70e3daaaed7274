"""Rows of a table as mappings, kept column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.columns import Column, pick


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

    def take(self, rows: np.ndarray) -> Records:
        return Records({name: pick(column, rows) for name, column in self.columns.items()}, len(rows), self.types)


def cells(raws: Sequence[Any], name: str) -> list[Any]:
    """One column of rows that are mappings; None where a row lacks it."""
    if isinstance(raws, Records):
        return list(raws.columns[name])
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
