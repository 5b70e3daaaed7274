"""Raw columns that take little memory for millions of rows, and give their values when asked."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

T = TypeVar("T", covariant=True)

_SPAN = 4096  # texts made at once where all are read


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


class Numbers(Column[int | float]):
    """Numbers as a file holds them, 8 bytes or fewer each; whoever reads one gets Python's own. values: integers or floats (N,)."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: Any) -> Any:
        return self.values[row].tolist() if isinstance(row, slice) else super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from self.values[start : start + _SPAN].tolist()

    def _value(self, row: int) -> int | float:
        return self.values[row].item()  # type: ignore[no-any-return]


class Texts(Column[str | None]):
    """Many different texts, one after another in UTF-8: 8 bytes a text and its letters. An empty one is none."""

    def __init__(self, texts: Iterable[str | None] = ()) -> None:
        self._letters = bytearray()
        self._ends = array("q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str | None) -> None:
        if text:
            self._letters += text.encode()
        self._ends.append(len(self._letters))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice) and row.step in (None, 1):
            return self._span(*row.indices(len(self))[:2])
        return super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from self._span(start, min(start + _SPAN, len(self)))

    def _value(self, row: int) -> str | None:
        return self._letters[self._ends[row] : self._ends[row + 1]].decode() or None

    def _span(self, start: int, stop: int) -> list[str | None]:
        if stop <= start:
            return []
        ends = self._ends[start : stop + 1]
        block = self._letters[ends[0] : ends[-1]]
        text = block.decode()
        if len(text) != len(block):  # letters of several bytes
            return [block[a - ends[0] : b - ends[0]].decode() or None for a, b in pairwise(ends)]
        return [text[a - ends[0] : b - ends[0]] or None for a, b in pairwise(ends)]

    def digest(self) -> bytes:
        """16 bytes that tell this column from any other."""
        digest = blake2b(self._letters, digest_size=16)
        digest.update(self._ends)
        return digest.digest()


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
    """The column at int64 ``rows``, still small and lazy; itself where these are all of its rows in their order."""
    if len(rows) == len(column) and np.array_equal(rows, np.arange(len(rows))):
        return column
    if isinstance(column, Paths):
        return Paths(column.root, [column.names[row] for row in rows.tolist()])
    if isinstance(column, Coded):
        return Coded(column.codes[rows], column.values)
    if isinstance(column, Numbers):
        return Numbers(column.values[rows])
    if isinstance(column, Picked):
        return Picked(column.column, column.rows[rows])
    if isinstance(column, np.ndarray):
        return column[rows]  # type: ignore[return-value]
    if isinstance(column, list):
        return [column[row] for row in rows.tolist()]
    return Picked(column, rows)
