"""Raw columns that take little memory for millions of rows, and give their values when asked."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar, overload

import numpy as np

from danlu.large.arrays import Growing, blocks, gathered

T = TypeVar("T", covariant=True)

_SPAN = 4096  # texts made at once where all are read
_NEAR = 1 << 16  # letters that are read though nobody asked for them


class Column(Sequence[T], Generic[T]):
    """A lazily read column: subclasses give one value; slices come as lists."""

    def _value(self, row: int) -> T:
        raise NotImplementedError

    def at(self, rows: np.ndarray) -> Sequence[T]:
        """The values at int64 ``rows``."""
        return [self._value(row) for row in rows.tolist()]

    def take(self, rows: np.ndarray) -> Column[T]:
        """The column at int64 ``rows``, still lazy."""
        return Picked(self, rows)

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

    def take(self, rows: np.ndarray) -> Paths:
        return Paths(self.root, [self.names[row] for row in rows.tolist()])

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
        self._all = (*self.values, None)

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

    def at(self, rows: np.ndarray) -> list[str | None]:
        return self._named(self.codes[rows])

    def take(self, rows: np.ndarray) -> Coded:
        return Coded(gathered(self.codes, rows), self.values)

    def __getitem__(self, row: Any) -> Any:
        return self._named(self.codes[row]) if isinstance(row, slice) else super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from self._named(self.codes[start : start + _SPAN])

    def _named(self, codes: np.ndarray) -> list[str | None]:
        every = self._all
        return [every[code] for code in codes.tolist()]

    def missing_rows(self) -> np.ndarray:
        return np.flatnonzero(self.codes < 0)

    def values_in_use(self) -> tuple[str, ...]:
        """The different values that occur."""
        used = np.zeros(len(self._all), bool)
        for some in blocks(len(self.codes), self.codes):
            used[self.codes[some]] = True  # -1 is the last
        return tuple(self.values[code] for code in np.flatnonzero(used[:-1]).tolist())


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

    def at(self, rows: np.ndarray) -> list[int | float]:
        return self.values[rows].tolist()  # type: ignore[no-any-return]

    def take(self, rows: np.ndarray) -> Numbers:
        return Numbers(gathered(self.values, rows))


class Numerals(Column[str]):
    """Texts that are whole numbers as Python writes them, kept as such. values: int64 (N,)."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: Any) -> Any:
        return list(map(str, self.values[row].tolist())) if isinstance(row, slice) else super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from map(str, self.values[start : start + _SPAN].tolist())

    def _value(self, row: int) -> str:
        return str(self.values[row].item())

    def at(self, rows: np.ndarray) -> list[str]:
        return list(map(str, self.values[rows].tolist()))

    def take(self, rows: np.ndarray) -> Numerals:
        return Numerals(gathered(self.values, rows))


class Texts(Column[str | None]):
    """Many different texts, one after another in UTF-8: 8 bytes a text and its letters. An empty one is none."""

    def __init__(self, texts: Iterable[str | None] = ()) -> None:
        self._letters, self._ends = Growing(np.uint8), Growing(np.int64)
        self._ends.append(np.zeros(1, np.int64))
        self._new, self._sizes = bytearray(), array("q")
        self._made: tuple[np.ndarray, np.ndarray] | None = None
        self._ending = Lock()  # threads may read at once
        for text in texts:
            self.append(text)

    def append(self, text: str | None) -> None:
        """Raises ValueError once the column has been read."""
        if self._made is not None:
            raise ValueError("the column is ended")
        if text:
            self._new += text.encode()
        self._sizes.append(len(self._new))
        if len(self._sizes) == _SPAN:
            self._take()

    def extend(self, texts: Sequence[str]) -> None:
        """Raises ValueError once the column has been read."""
        if self._made is not None:
            raise ValueError("the column is ended")
        self._take()
        whole = "".join(texts)
        letters = whole.encode()
        sizes = map(len, texts) if len(letters) == len(whole) else (len(text.encode()) for text in texts)
        self._ends.append(np.cumsum(np.fromiter(sizes, np.int64, len(texts))) + self._letters.length)
        self._letters.append(np.frombuffer(letters, np.uint8))

    def _take(self) -> None:
        if len(self._sizes):
            self._ends.append(np.frombuffer(self._sizes, np.int64) + self._letters.length)
            self._letters.append(np.frombuffer(self._new, np.uint8))
            self._new, self._sizes = bytearray(), array("q")

    def _whole(self) -> tuple[np.ndarray, np.ndarray]:
        """(letters uint8 (L,), ends int64 (N + 1,))."""
        made = self._made
        if made is not None:
            return made
        with self._ending:
            if self._made is None:
                self._take()
                self._made = self._letters.done(), self._ends.done()
            return self._made

    def __len__(self) -> int:
        return self._ends.length + len(self._sizes) - 1

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice) and row.step in (None, 1):
            return self._span(*row.indices(len(self))[:2])
        return super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from self._span(start, min(start + _SPAN, len(self)))

    def _value(self, row: int) -> str | None:
        letters, ends = self._whole()
        return letters[ends[row] : ends[row + 1]].tobytes().decode() or None

    def at(self, rows: np.ndarray) -> list[str | None]:
        if not len(rows):
            return []
        letters, every = self._whole()
        begins, ends = np.asarray(every[rows]), np.asarray(every[rows + 1])
        low, high = int(begins.min()), int(ends.max())
        if high - low > 8 * int((ends - begins).sum()) + _NEAR:  # rows from everywhere
            return [self._value(row) for row in rows.tolist()]
        block = letters[low:high].tobytes()
        pairs = zip((begins - low).tolist(), (ends - low).tolist(), strict=True)
        if block.isascii():
            text = block.decode()
            return [text[a:b] or None for a, b in pairs]
        return [block[a:b].decode() or None for a, b in pairs]

    def _span(self, start: int, stop: int) -> list[str | None]:
        if stop <= start:
            return []
        letters, every = self._whole()
        ends = every[start : stop + 1].tolist()
        block = letters[ends[0] : ends[-1]].tobytes()
        text = block.decode()
        if len(text) != len(block):  # letters of several bytes
            return [block[a - ends[0] : b - ends[0]].decode() or None for a, b in pairwise(ends)]
        return [text[a - ends[0] : b - ends[0]] or None for a, b in pairwise(ends)]

    def digest(self) -> bytes:
        """16 bytes that tell this column from any other."""
        digest = blake2b(digest_size=16)
        for values in self._whole():
            for some in blocks(len(values), values):
                digest.update(values[some].data)
        return digest.digest()

    def __reduce__(self) -> tuple[Any, ...]:
        return _texts, self._whole()  # no open file is sent to another process


def _texts(letters: np.ndarray, ends: np.ndarray) -> Texts:
    made = Texts()
    made._made, made._ends.length = (letters, ends), len(ends)
    return made


class Picked(Column[T]):
    """Some rows of another column."""

    def __init__(self, column: Sequence[T], rows: np.ndarray) -> None:
        self.column = column
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def _value(self, row: int) -> T:
        return self.column[int(self.rows[row])]

    def take(self, rows: np.ndarray) -> Picked[T]:
        return Picked(self.column, gathered(self.rows, rows))

    def at(self, rows: np.ndarray) -> Sequence[T]:
        chosen = self.rows[rows]
        return (
            self.column.at(chosen) if isinstance(self.column, Column) else [self.column[row] for row in chosen.tolist()]
        )

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice) and isinstance(self.column, Column):
            return self.column.at(self.rows[row])
        return super().__getitem__(row)

    def __iter__(self) -> Any:
        for start in range(0, len(self), _SPAN):
            yield from self[start : start + _SPAN]


def pick(column: Sequence[Any], rows: np.ndarray) -> Sequence[Any]:
    """The column at int64 ``rows``, still small and lazy; itself where these are all of its rows in their order."""
    if _all_of(column, rows):
        return column
    if isinstance(column, Column):
        return column.take(rows)
    if isinstance(column, np.ndarray):
        return column[rows]  # type: ignore[return-value]
    if isinstance(column, list):
        return [column[row] for row in rows.tolist()]
    return Picked(column, rows)


def _all_of(column: Sequence[Any], rows: np.ndarray) -> bool:
    if len(rows) != len(column):
        return False
    return all(np.array_equal(rows[some], np.arange(some.start, some.stop)) for some in blocks(len(rows)))
