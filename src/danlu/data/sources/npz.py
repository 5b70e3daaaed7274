"""A NumPy archive: x and y, images and labels, x_train and x_test, train_images and test_images …"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from danlu.data.progress import Pace, Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources import _arrays
from danlu.data.sources._mapping import Mapped, mapping, shortened
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._parts import part_in
from danlu.data.sources._text import plain_file, unreadable
from danlu.data.sources._wanted import no_extra
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

# What zipfile and numpy raise on damaged and foreign archives.
_BREAKS = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".npz"


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each along the arrays' first axis. Arrays whose names say train, val or test are those parts.

    Object arrays are refused: they would have to be unpickled.
    """
    no_extra(path, data, "npz")
    with _open(path) as archive:
        members = _members(archive, path)
        groups = _groups(list(members))
        pieces: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
        given: list[Part | None] = []
        ids: list[str] = []
        origins: list[str] = []
        notes: list[tuple[str, str]] = []
        pace = Pace(progress, say("data.reading", file=path.name), len(groups))
        for done, (part, arrays) in enumerate(groups.items()):
            mapped = mapping(str(path), list(arrays), wanted, data)
            count = -1
            rows: list[np.ndarray] = []
            for name, wish in sorted(wanted.items(), key=lambda item: item[1].kind != "image"):
                key = arrays[_one(path, name, wish, mapped)]
                where = f"{path}, {key}"
                values = _load(archive, members[key], where)
                count = len(values) if count < 0 else count
                if wish.kind == "image":
                    values, said = _arrays.images(values, where)
                else:
                    values, said = _arrays.labels(values, count, where)
                notes += [(where, note) for note in said]
                pieces[name].append(values)
                if wish.role != "aside":  # a row's id, on which randomness depends, must not tell what only judges
                    rows.append(values)
            ids += _arrays.ids_by_content(rows, f"{part}/" if part else "")
            origins += Numbered(f"{path.name}, {next(iter(mapped.columns.values()))}", range(count), "data.row")
            given += [part] * count
            pace(done)
        pace.end(len(groups))
    if not ids:
        raise DataError.of(str(path), say("data.manifest.empty"))
    columns: dict[str, Sequence[Any]] = {name: _arrays.join(values) for name, values in pieces.items()}
    parted = None not in groups
    return Table(columns, ids, origins, f"npz {_arrays.digest_of(path)}", given if parted else None, notes=tuple(notes))


def _one(path: Path, name: str, wish: Column, mapped: Mapped) -> str:
    """The one array of a column. Raises DataError where it should be several: rows of many columns are a table's."""
    found = mapped.columns[name]
    if isinstance(found, str):
        return found
    what = say("data.source.cannot", source="npz", offered="image, category", column=name, kind=wish.kind)
    raise DataError.of(str(path), what, say("data.source.cannot.remedy"))


def _open(path: Path) -> zipfile.ZipFile:
    plain_file(path)
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise DataError.of(str(path), say("data.npz.one-array"), say("data.npz.one-array.remedy"))
        return zipfile.ZipFile(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except _BREAKS as error:
        raise DataError.of(str(path), say("data.npz.broken", reason=error)) from error


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Name → where it lies. Names are names: nothing is ever unpacked to a file."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in found:
            raise DataError.of(str(path), say("data.npz.twice", name=name))
        found[name] = info
    return found


def _load(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> np.ndarray:
    """The array, if it is as large as it says and fits into memory. Raises DataError."""
    if info.flag_bits & 1:
        raise DataError.of(where, say("data.npz.broken", reason=say("data.npz.password")))
    try:
        with archive.open(info) as file:
            shape, dtype, head = _head(file)
        if dtype.hasobject:
            raise DataError.of(where, say("data.npz.pickled"), say("data.npz.pickled.remedy"))
        if dtype.kind not in "buifUS":
            raise DataError.of(where, say("data.arrays.dtype", dtype=shortened(str(dtype))))
        expected, found = prod(shape) * dtype.itemsize, info.file_size - head
        if expected != found:
            raise ValueError(say("data.npz.length", expected=expected, found=found))
        refuse_too_large(where, expected, info.compress_size)
        with archive.open(info) as file:
            values: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
            while file.read(1 << 20):  # what is left, so that the checksum is looked at
                continue
    except _BREAKS as error:
        raise DataError.of(where, say("data.npz.broken", reason=shortened(str(error), 200))) from error
    if values.ndim == 0:
        raise DataError.of(where, say("data.arrays.shape", shape=[]), say("data.arrays.shape.remedy"))
    return values


def _head(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """(shape, dtype, bytes of the head). Raises ValueError."""
    try:
        version = np.lib.format.read_magic(file)
        read_ = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read_(file)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError, OverflowError):
        raise ValueError(say("data.npz.head")) from None
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(say("data.npz.head"))
    return shape, dtype, file.tell()


def _groups(keys: Sequence[str]) -> dict[Part | None, dict[str, str]]:
    """part → {name without the part's: key}. One group None where no train part is named."""
    parts = {key: part_in(key) for key in keys}
    if "train" not in parts.values():
        return {None: {key: key for key in keys}}
    groups: dict[Part | None, dict[str, str]] = {}
    for key, part in parts.items():
        if part is not None:
            bare = "_".join(word for word in key.split("_") if part_in(word) is None) or key
            groups.setdefault(part, {})[bare] = key
    return groups
