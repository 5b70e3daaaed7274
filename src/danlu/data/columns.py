"""Raw columns that take little memory for millions of rows, and give their values when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

T = TypeVar("T", covariant=True)


class Column(Sequence[T], Generic[T]):
    """A lazily read column: subclasses give one value; slices come as lists."""

    def _value(self, row: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, row: int) -> T: ...
    @overload
    def __getitem__(self, row: slice) -> list[T]: ...
    def __getitem__(self, row: int | slice) -> T | list[T]:
        if isinstance(row, slice):
            return [self._value(each) for each in range(*row.indices(len(self)))]
        row = int(row)
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self._value(row % len(self))

    def __iter__(self) -> Any:
        return map(self._value, range(len(self)))


class Paths(Column[Path]):
    """Files under ``root``, kept as names relative to it."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self.root = root
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def _value(self, row: int) -> Path:
        return self.root / self.names[row]

    def missing_rows(self) -> np.ndarray:
        return np.empty(0, np.int64)

    def bytes_of(self, rows: Iterable[int]) -> float:
        """Mean size of some of the files in bytes; files that can't be asked are passed over."""
        sizes = []
        for row in rows:
            try:
                sizes.append(self._value(row).stat().st_size)
            except (OSError, ValueError):
                continue
        return float(np.mean(sizes)) if sizes else 0.0


class Coded(Column[str | None]):
    """Few different texts: int32 ``codes`` into ``values``; -1 where there is none."""

    def __init__(self, codes: np.ndarray, values: Sequence[str]) -> None:
        self.codes = np.asarray(codes, np.int32)
        self.values = tuple(values)

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Coded:
        index: dict[str, int] = {}
        codes = [-1 if text is None else index.setdefault(text, len(index)) for text in texts]
        return cls(np.asarray(codes, np.int32), tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def _value(self, row: int) -> str | None:
        code = self.codes[row]
        return None if code < 0 else self.values[code]

    def missing_rows(self) -> np.ndarray:
        return np.flatnonzero(self.codes < 0)

    def values_in_use(self) -> tuple[str, ...]:
        """The different values that occur."""
        used = np.unique(self.codes)
        return tuple(self.values[code] for code in used if code >= 0)


class Picked(Column[T]):
    """Some rows of another column."""

    def __init__(self, column: Sequence[T], rows: np.ndarray) -> None:
        self.column = column
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def _value(self, row: int) -> T:
        return self.column[int(self.rows[row])]


def pick(column: Sequence[Any], rows: np.ndarray) -> Sequence[Any]:
    """The column at int64 ``rows``, still small and lazy."""
    if isinstance(column, Paths):
        return Paths(column.root, [column.names[row] for row in rows.tolist()])
    if isinstance(column, Coded):
        return Coded(column.codes[rows], column.values)
    if isinstance(column, Picked):
        return Picked(column.column, column.rows[rows])
    if isinstance(column, np.ndarray):
        return column[rows]  # type: ignore[return-value]
    if isinstance(column, list):
        return [column[row] for row in rows.tolist()]
    return Picked(column, rows)
