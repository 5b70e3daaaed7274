"""A file of TensorBoard's events: records of length, checksum and bytes, as TensorFlow writes them (TFRecord).

Written at once and in this thread, so that a disk that refuses is heard of where it happens, and named so that TensorBoard, which
reads files in the order of the seconds in their names, reads it after those that are there, whatever the clock says.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from itertools import count
from pathlib import Path

_PREFIX = "events.out.tfevents."
_numbers = count()


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE = _table()


class EventFile:
    """Append-only. Raises OSError where the disk refuses; what was written before is whole then."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = (path.name.removeprefix(_PREFIX).partition(".")[0] for path in folder.glob(f"{_PREFIX}*"))
        second = max([int(time.time()), *(int(name) + 1 for name in names if name.isdecimal())])
        self.path = folder / f"{_PREFIX}{second:010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self._file = os.open(
            self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644
        )
        self._waiting = bytearray()

    def add(self, record: bytes) -> None:
        """Kept in memory until :meth:`write`."""
        length = struct.pack("<Q", len(record))
        self._waiting += length + _checksum(length) + record + _checksum(record)

    def write(self) -> None:
        """All that was added, or nothing of it."""
        data, self._waiting = memoryview(bytes(self._waiting)), bytearray()
        before = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except BaseException:
            os.ftruncate(self._file, before)
            raise

    def close(self) -> None:
        """May be called more than once."""
        if self._file >= 0:
            try:
                self.write()
            finally:
                os.close(self._file)
                self._file = -1


def crc32c(data: bytes) -> int:
    """Castagnoli's cyclic redundancy check (RFC 3720, appendix B.4)."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _checksum(data: bytes) -> bytes:
    """Rotated and shifted, as in TFRecord: a checksum of data that hold checksums says little."""
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)
