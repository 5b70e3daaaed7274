"""The files of a cache: raw arrays that grow while they are written, and the JSON that describes and proves them.

A cache folder holds ``meta.json`` and little-endian, C-ordered arrays without a header (``np.memmap`` reads them);
nothing is pickled.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import DataError
from danlu.messages import say

META = "meta.json"
FORMAT = 2
PIECE = 1 << 20  # bytes that have a checksum of their own
_WHOLE = 64 << 20  # files up to this size are proven whole when a cache is opened: about 20 ms


class DamagedError(Exception):
    """A cache folder isn't what it was when it was written; the message names the file."""


@dataclass(frozen=True)
class ArrayFile:
    """One array on disk. crc32: of each :data:`PIECE` of the file."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    crc32: tuple[int, ...]

    def check(self, folder: Path, whole: bool = False) -> None:
        """Raises :class:`DamagedError`. Checks the size; and all of a small file, the first and last piece of a large one.

        whole: every byte.
        """
        path = folder / self.file
        pieces = range(len(self.crc32))
        try:
            sound = path.stat().st_size == self.bytes
            with path.open("rb") as stream:
                for piece in pieces if whole or self.small else (*pieces[:1], *pieces[-1:]):
                    stream.seek(piece * PIECE)
                    sound = sound and zlib.crc32(stream.read(PIECE)) == self.crc32[piece]
        except OSError as error:
            raise DamagedError(f"{self.file}: {error.strerror}") from error
        if not sound:
            raise DamagedError(self.file)

    @property
    def small(self) -> bool:
        """Whether :meth:`check` proves all of it."""
        return self.bytes <= _WHOLE

    def read(self, folder: Path) -> np.ndarray:
        """The array, read-only and memory-mapped."""
        if not self.bytes:
            return np.empty(self.shape, self.dtype)
        return np.asarray(np.memmap(folder / self.file, self.dtype, "r", shape=self.shape))

    def load(self, folder: Path) -> np.ndarray:
        """The array, in memory."""
        return np.fromfile(folder / self.file, self.dtype).reshape(self.shape)


class GrowingArray:
    """An array (N, \\*tail) written block by block; N is known at the end."""

    def __init__(self, folder: Path, file: str, dtype: Any, tail: tuple[int, ...] = ()) -> None:
        self.path = folder / file
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.tail = tail
        self.length = 0
        self._crc = [0]
        self._room = PIECE  # bytes that the last piece can take
        self._stream = self.path.open("xb")

    def append(self, values: np.ndarray) -> None:
        """values: (n, \\*tail)."""
        data = np.ascontiguousarray(values, self.dtype).reshape(-1).view(np.uint8).data
        self._stream.write(data)
        for start in _starts(len(data), self._room):
            part = data[max(0, start) : start + PIECE]
            if not self._room:
                self._crc.append(0)
                self._room = PIECE
            self._crc[-1] = zlib.crc32(part, self._crc[-1])
            self._room -= len(part)
        self.length += len(values)

    def finish(self) -> ArrayFile:
        """Written through to the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        shape = (self.length, *self.tail)
        size = self.path.stat().st_size
        return ArrayFile(self.path.name, self.dtype.str, shape, size, tuple(self._crc) if size else ())

    def close(self) -> None:
        """Give up; harmless after :meth:`finish`."""
        with suppress(OSError):  # what is given up need not reach a disk that is full
            self._stream.close()


def write_json(folder: Path, file: str, content: Mapping[str, Any]) -> None:
    """``content`` with a checksum of itself, written through to the disk."""
    text = _canonical(content)
    with (folder / file).open("x", encoding="utf-8") as stream:
        json.dump({**content, "crc32": zlib.crc32(text)}, stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())


def read_json(folder: Path, file: str) -> dict[str, Any]:
    """What :func:`write_json` wrote. Raises :class:`DamagedError` where a character of it changed."""
    try:
        content: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))
        claimed = content.pop("crc32")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedError(f"{file}: {error}") from error
    if claimed != zlib.crc32(_canonical(content)):
        raise DamagedError(file)
    return content


def describe(array: ArrayFile) -> dict[str, Any]:
    return {**asdict(array), "shape": list(array.shape), "crc32": list(array.crc32)}


def described(content: Mapping[str, Any]) -> ArrayFile:
    return ArrayFile(**{**content, "shape": tuple(content["shape"]), "crc32": tuple(content["crc32"])})


def sync_folder(folder: Path) -> None:
    """Write a folder's entries through, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Errors of the disk, said in a way that helps. Goes only around writing, never around the reading of the user's
    files.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG):
            key = "cache.disk-full"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            key = "cache.read-only"
        else:
            key = "cache.write-failed"
        raise DataError.of(str(folder), say(key, reason=error.strerror or error), say("cache.elsewhere")) from error


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode()


def _starts(count: int, room: int) -> range:
    """Where to cut ``count`` bytes so that the first cut fills ``room`` and each further one a piece; the first may be below 0."""
    return range(room - PIECE if room else 0, count, PIECE)
