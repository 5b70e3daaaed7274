"""Files too large to be proven when a cache is opened are proven piece by piece, each before the first value of it is used."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from danlu.data.cache.files import META, PIECE, ArrayFile
from danlu.errors import DataError
from danlu.messages import say


class Proof:
    """Of one file. Costs a checksum of each piece once, and nothing once all pieces are proven."""

    def __init__(self, folder: Path, file: ArrayFile) -> None:
        self._folder = folder
        self._file = file
        self._left: np.ndarray | None = None if file.small else np.ones(len(file.crc32), bool)

    def __call__(self, starts: np.ndarray, stops: np.ndarray) -> None:
        """starts, stops: int64 (B,), bytes of the file that are about to be used. Raises DataError where they aren't as written.

        A damaged cache is then no cache any more: the next start fills it again.
        """
        if self._left is None or not len(starts):
            return
        first, last = starts // PIECE, np.maximum(starts, stops - 1) // PIECE
        if not (self._left[first].any() or self._left[last].any() or (last - first > 1).any()):
            return
        wanted = np.zeros(len(self._left), bool)
        wanted[first] = wanted[last] = True
        for a, b in zip(first[last - first > 1].tolist(), last[last - first > 1].tolist(), strict=True):
            wanted[a:b] = True
        touched = np.flatnonzero(wanted)
        with (self._folder / self._file.file).open("rb") as stream:
            for piece in touched[self._left[touched]].tolist():
                stream.seek(piece * PIECE)
                if zlib.crc32(stream.read(PIECE)) != self._file.crc32[piece]:
                    raise self._damaged()
                self._left[piece] = False
        if not self._left.any():
            self._left = None

    def _damaged(self) -> DataError:
        (self._folder / META).unlink(missing_ok=True)
        what = say("cache.damaged-within", file=self._file.file)
        return DataError.of(str(self._folder), what, say("cache.damaged-within.remedy"))  # type: ignore[return-value]
