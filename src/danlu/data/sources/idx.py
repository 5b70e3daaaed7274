"""MNIST's idx files, plain or gzipped: a folder of train-images-…, train-labels-…, t10k-images-…, t10k-labels-…"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.progress import Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources import _arrays
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._parts import part_in
from danlu.data.sources._text import plain_file, unreadable
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DIMENSIONS = 8


def recognises(path: Path) -> bool:
    """A file of images, or a folder with some."""
    return bool(_pairs(path))


def _is_images(name: str) -> bool:
    lower = name.lower().removesuffix(".gz")
    return "images" in lower and ("idx3" in lower or lower.endswith("ubyte"))


def _pairs(path: Path) -> list[tuple[Part | None, Path, Path]]:
    """(part, images, labels) of each pair of files; labels may not exist."""
    try:
        files = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if _is_images(entry.name))
    except OSError:
        return []
    found: dict[str, tuple[Part | None, Path, Path]] = {}
    for file in files:
        if _is_images(file.name) and file.is_file():
            name = file.name.replace("images", "labels").replace("idx3", "idx1").replace("Images", "Labels")
            plain = name.removesuffix(".gz")
            labels = next(
                (file.with_name(n) for n in (name, plain, f"{plain}.gz") if file.with_name(n).exists()),
                file.with_name(name),
            )
            found.setdefault(plain, (part_in(file.name), file, labels))  # the plain file, where both lie there
    return list(found.values())


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each image; files whose names say train or test (t10k) are those parts."""
    kinds = only(path, wanted, ("image", "category"), "idx")
    no_extra(path, data, "idx")
    pairs = _pairs(path)
    if not pairs:
        raise DataError.of(str(path), say("data.idx.none"))
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    ids: list[str] = []
    origins: list[str] = []
    given: list[Part | None] = []
    files: list[Path] = []
    for part, images, labels in pairs:
        values = array(images)
        files.append(images)
        if values.ndim not in (3, 4):
            raise DataError.of(
                str(images), say("data.arrays.shape", shape=list(values.shape)), say("data.arrays.shape.remedy")
            )
        pieces[kinds["image"]].append(values)
        if "category" in kinds:
            if not labels.exists():
                raise DataError.of(str(labels), say("data.idx.no-labels", images=images.name))
            pieces[kinds["category"]].append(_arrays.labels(array(labels), len(values), str(labels))[0])
            files.append(labels)
        prefix = part or images.name
        ids += [f"{prefix}/{row:05d}" for row in range(len(values))]
        origins += Numbered(images.name, range(len(values)), "data.row")
        given += [part] * len(values)
    if not ids:
        raise DataError.of(str(path), say("data.manifest.empty"))
    columns: dict[str, Sequence[Any]] = {name: _arrays.join(values) for name, values in pieces.items()}
    parted = "train" in given and None not in given
    return Table(columns, ids, origins, f"idx {_arrays.digest_of(*files)}", given if parted else None)


def array(path: Path) -> np.ndarray:
    """The array of one idx file. Raises DataError where it isn't one, or not whole. No more is unpacked than its head says."""
    plain_file(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            return _array(path, gzip.open(raw) if packed else raw, path.stat().st_size, packed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError.of(str(path), say("data.idx.broken", reason=error)) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _array(path: Path, file: Any, size: int, packed: bool) -> np.ndarray:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES:
        raise DataError.of(str(path), say("data.idx.magic"))
    dtype, dimensions = np.dtype(_DTYPES[start[2]]), start[3]
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions or not 1 <= dimensions <= _DIMENSIONS:
        reason = say("data.image.truncated") if len(sizes) < 4 * dimensions else say("data.npz.head")
        raise DataError.of(str(path), say("data.idx.broken", reason=reason))
    shape = struct.unpack(f">{dimensions}I", sizes)
    expected = prod(shape) * dtype.itemsize
    found = size - 4 - 4 * dimensions
    if packed:
        refuse_too_large(str(path), expected, size)
    if packed or found == expected:
        data = file.read(expected + 1)
        found = len(data)
    if found != expected:
        shown = f"> {expected}" if packed and found > expected else found
        raise DataError.of(str(path), say("data.idx.length", shape=list(shape), expected=expected, found=shown))
    values = np.frombuffer(data, dtype).reshape(shape)
    return values if dtype.itemsize == 1 else values.astype(dtype.newbyteorder("="))
