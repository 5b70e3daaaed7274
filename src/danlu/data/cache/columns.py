"""The three layouts of a column on disk, written block by block and gathered by row."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from danlu.data.cache.files import ArrayFile, GrowingArray
from danlu.data.cache.proof import Proof
from danlu.data.cache.rows import Values
from danlu.data.kinds.base import Kind, Storage
from danlu.large.arrays import release

_IN_MEMORY = 4 << 20  # bytes: smaller arrays (labels, offsets) are read into memory, where no page can fault


class ColumnWriter:
    """fixed: ``values`` (N, \\*shape). ragged and encoded: ``values`` of all rows one after another, ``offsets`` int64
    (N + 1,) into them; ragged also ``shapes`` int64 (N, dimensions).
    """

    def __init__(self, folder: Path, stem: str, storage: Storage) -> None:
        self._fixed = storage.layout == "fixed"
        dtype = "uint8" if storage.layout == "encoded" else storage.dtype
        tail = tuple(storage.shape) if self._fixed else ()
        self.arrays = {"values": GrowingArray(folder, f"{stem}.values.bin", dtype, tail)}
        if not self._fixed:
            self.arrays["offsets"] = GrowingArray(folder, f"{stem}.offsets.bin", np.int64)
            self.arrays["offsets"].append(np.zeros(1, np.int64))
        if storage.layout == "ragged":
            self.arrays["shapes"] = GrowingArray(folder, f"{stem}.shapes.bin", np.int64, (len(storage.shape),))

    def append(self, values: Values) -> None:
        if isinstance(values, np.ndarray):
            self.arrays["values"].append(values)
        elif values:
            start = self.arrays["values"].length
            self.arrays["values"].append(np.concatenate([value.reshape(-1) for value in values]))
            sizes = np.asarray([value.size for value in values], np.int64)
            self.arrays["offsets"].append(start + np.cumsum(sizes))
            if "shapes" in self.arrays:
                self.arrays["shapes"].append(np.asarray([value.shape for value in values], np.int64))


class Column(ABC):
    """A column on disk. nbytes: on disk. instant: gathering is a copy of memory, nothing is decoded."""

    instant = True

    def __init__(self, folder: Path, files: Mapping[str, ArrayFile]) -> None:
        self.nbytes = sum(file.bytes for file in files.values())
        self._arrays = {
            part: file.load(folder) if file.bytes <= _IN_MEMORY else file.read(folder) for part, file in files.items()
        }
        self._proven = Proof(folder, files["values"])
        self._each = files["values"].bytes // max(1, len(self._arrays["values"]))
        for part, file in files.items():
            if part != "values" and not file.small:  # every gather needs them
                file.check(folder, whole=True)

    def lengths(self, rows: np.ndarray) -> np.ndarray | None:
        """int64 (B,): the first dimension of each value, where values differ in it."""
        return None

    def release(self) -> None:
        release(*self._arrays.values())

    @abstractmethod
    def gather(self, rows: np.ndarray) -> Values:
        """Values of int64 ``rows`` (B,), which the caller may change: no view of the file is ever given away."""


class Fixed(Column):
    def gather(self, rows: np.ndarray) -> Values:
        self._proven(rows * self._each, (rows + 1) * self._each)
        return self._arrays["values"].take(
            rows, axis=0
        )  # 2–4 × faster than values[rows]; torch's index_select loses too


class Ragged(Column):
    def lengths(self, rows: np.ndarray) -> np.ndarray | None:
        found: np.ndarray = self._arrays["shapes"][rows, 0]
        return found

    def gather(self, rows: np.ndarray) -> Values:
        values, offsets = self._arrays["values"], self._arrays["offsets"]
        starts, stops = offsets[rows], offsets[rows + 1]
        self._proven(starts * self._each, stops * self._each)
        ends = np.cumsum(stops - starts)
        block = np.empty(int(ends[-1]) if len(ends) else 0, values.dtype)
        pieces: list[np.ndarray] = []
        begin = 0
        shapes = self._arrays["shapes"][rows].tolist()
        for start, stop, end, shape in zip(starts.tolist(), stops.tolist(), ends.tolist(), shapes, strict=True):
            piece = block[begin:end]
            piece[:] = values[start:stop]
            pieces.append(piece.reshape(shape))
            begin = end
        return pieces


class Encoded(Column):
    instant = False

    def __init__(self, folder: Path, files: Mapping[str, ArrayFile], decode: Callable[[bytes], np.ndarray]) -> None:
        super().__init__(folder, files)
        self._decode = decode

    def gather(self, rows: np.ndarray) -> Values:
        values, offsets = self._arrays["values"], self._arrays["offsets"]
        starts, stops = offsets[rows], offsets[rows + 1]
        self._proven(starts, stops)
        spans = zip(starts.tolist(), stops.tolist(), strict=True)
        encoded = [values[start:stop].tobytes() for start, stop in spans]
        if len(encoded) < 4 or cpus() == 1:
            return [self._decode(data) for data in encoded]
        return list(_decoders(os.getpid()).map(self._decode, encoded))


def column(folder: Path, files: Mapping[str, ArrayFile], kind: Kind) -> Column:
    layout = kind.storage().layout
    if layout == "encoded":
        return Encoded(folder, files, kind.decode)
    return (Fixed if layout == "fixed" else Ragged)(folder, files)


def cpus() -> int:
    """CPUs this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@cache
def _decoders(process: int) -> ThreadPoolExecutor:
    """Threads that decode (image libraries let go of the interpreter lock); a forked process needs its own."""
    return ThreadPoolExecutor(min(cpus(), 8), thread_name_prefix="danlu-decode")
