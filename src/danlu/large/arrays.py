"""Arrays that lie in a file without a name where they are long: the system drops their pages from memory when it needs the room.

Short ones are plain arrays. No number depends on where one lies. The files go when the arrays do, or the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from danlu.errors import DataError
from danlu.messages import say

AT_ONCE = 1 << 18  # rows worked on at once
HELD = 8 << 20  # bytes of an array that is held in memory

_FOLDER: list[Path] = []  # at most one; none: the system's folder for temporary files, which may lie in memory


def lie_in(folder: Path) -> None:
    """Where the files of long arrays lie from now on; made where there is none."""
    _FOLDER[:] = [folder]


def blocks(count: int, *arrays: np.ndarray) -> Iterator[slice]:
    """0 to ``count`` in pieces. arrays: whose pages are let go whenever a good many pieces are done."""
    for place, start in enumerate(range(0, count, AT_ONCE)):
        yield slice(start, min(start + AT_ONCE, count))
        if place % 8 == 7:
            release(*arrays)
    release(*arrays)


def zeros(count: int, dtype: Any) -> np.ndarray:
    """(count,) zeros that can be written to. Raises DataError where the disk has no room."""
    kind = np.dtype(dtype)
    size = count * kind.itemsize
    if size <= HELD:
        return np.zeros(count, kind)
    with _file() as file, _said():
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)  # or a full disk would end the process when a page is written
        else:
            file.truncate(size)
        return np.memmap(file, kind, "r+", shape=(count,))


def gathered(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``values[rows]``; values: (N,), rows: int (M,)."""
    made = zeros(len(rows), values.dtype)
    for some in blocks(len(rows), made, values, rows):
        made[some] = values[rows[some]]
    return made


def where(mask: np.ndarray) -> np.ndarray:
    """int64: ``np.flatnonzero`` of bool (N,)."""
    made = Growing(np.int64)
    for some in blocks(len(mask), mask):
        made.append(np.flatnonzero(mask[some]) + some.start)
    return made.done()


def release(*arrays: np.ndarray) -> None:
    """Memory that pages of these arrays take is given back; what stands in them is kept."""
    for array in arrays:
        base: Any = array
        while base is not None and not isinstance(base, mmap.mmap):
            own = getattr(base, "mode", None) == "c"  # copied where it is written to: the copies would be gone
            base = None if own else getattr(base, "base", None)
        if base is not None and hasattr(mmap, "MADV_DONTNEED"):
            with suppress(OSError, ValueError):
                base.madvise(mmap.MADV_DONTNEED)


class Growing:
    """An array (N,) made block by block; N is known at the end."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._held: list[np.ndarray] = []
        self._size = 0  # bytes held
        self._file: BinaryIO | None = None
        self.length = 0

    def append(self, values: np.ndarray) -> None:
        """values: (n,). Raises DataError where the disk has no room."""
        block = np.array(values, self._dtype)
        self._held.append(block)
        self._size += block.nbytes
        self.length += len(block)
        if self._size > HELD:
            self._write()

    def done(self) -> np.ndarray:
        if self._file is None:
            return np.concatenate(self._held) if self._held else np.empty(0, self._dtype)
        self._write()
        with self._file as file:
            return np.memmap(file, self._dtype, "r+", shape=(self.length,))

    def _write(self) -> None:
        with _said():
            self._file = self._file or _file()
            for block in self._held:
                self._file.write(block.data)
            self._file.flush()
        self._held, self._size = [], 0


def _file() -> BinaryIO:
    folder = _FOLDER[0] if _FOLDER else None
    with _said():
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)  # type: ignore[return-value]


@contextmanager
def _said() -> Iterator[None]:
    """What is wrong with the disk, in words."""
    try:
        yield
    except OSError as error:
        where = str(_FOLDER[0] if _FOLDER else tempfile.gettempdir())
        raise DataError.of(
            where, say("large.disk", reason=error.strerror or error), say("large.disk.remedy")
        ) from error
