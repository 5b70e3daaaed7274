"""Arrays of images and labels → rows."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import DataError
from danlu.messages import say


def images(values: np.ndarray, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N, H, W) or (N, H, W, C) uint8 where that can be had without loss, and what was done.

    Rows of pixels are folded where their number is a square. Floats in 0–255 (judged over the whole array, never image by image) are
    rounded. Raises DataError for what is no set of images.
    """
    notes: list[str] = []
    if values.dtype == object or values.dtype.kind not in "buif":
        raise DataError.of(where, say("data.arrays.dtype", dtype=values.dtype))
    if values.ndim == 2:
        side = round(values.shape[1] ** 0.5)
        if side * side != values.shape[1]:
            raise DataError.of(where, say("data.arrays.flat", shape=list(values.shape)), say("data.arrays.flat.remedy"))
        values = values.reshape(-1, side, side)
        notes.append(say("data.note.folded", side=side))
    if values.ndim not in (3, 4):
        raise DataError.of(where, say("data.arrays.shape", shape=list(values.shape)), say("data.arrays.shape.remedy"))
    if values.ndim == 4 and values.shape[3] not in (1, 2, 3, 4) and values.shape[1] in (1, 3, 4):
        values = values.transpose(0, 2, 3, 1)
        notes.append(say("data.note.channels-first"))
    if values.dtype.kind == "f" and values.size:
        low, high = float(values.min()), float(values.max())
        if not (low >= 0.0 and high <= 255.0):  # NaN too
            raise DataError.of(where, say("data.arrays.range", low=low, high=high), say("data.arrays.range.remedy"))
        values = np.rint(values * 255.0 if high <= 1.0 else values).astype(np.uint8)
        notes.append(say("data.note.floats-01" if high <= 1.0 else "data.note.floats-255"))
    elif (
        values.dtype.kind in "iu"
        and values.dtype != np.uint8
        and values.size
        and values.min() >= 0
        and values.max() <= 255
    ):
        values = values.astype(np.uint8)
    return values, tuple(notes)


def labels(values: np.ndarray, count: int, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N,) integers or texts: a column (N, 1) is flattened, one-hot rows (N, K) become their class. Raises DataError."""
    notes: tuple[str, ...] = ()
    if values.dtype == object:
        raise DataError.of(where, say("data.arrays.dtype", dtype=values.dtype))
    if len(values) != count:
        raise DataError.of(where, say("data.arrays.lengths", images=count, labels=len(values)))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if (
        values.ndim == 2
        and values.dtype.kind in "buif"
        and ((values == 0) | (values == 1)).all()
        and (values.sum(1) == 1).all()
    ):
        values, notes = values.argmax(1), (say("data.note.one-hot"),)
    if values.ndim != 1:
        raise DataError.of(where, say("data.arrays.labels", shape=list(values.shape)))
    if values.dtype.kind == "S":
        try:
            values = np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError.of(where, say("data.text.encoding"), say("data.text.encoding.remedy")) from error
    if values.dtype.kind == "U" and values.size and np.ascontiguousarray(values).view(np.uint32).max() > 0x10FFFF:
        raise DataError.of(where, say("data.category.text"))
    return values, notes


def ids_by_content(arrays: Sequence[np.ndarray], prefix: str = "") -> list[str]:
    """Ids that follow each row's content, wherever it stands: "train/3f2a…"; a second equal row gets ".2"."""
    ids: list[str] = []
    used: dict[str, int] = {}
    for row in range(len(arrays[0])):
        digest = blake2b(digest_size=8)
        for array in arrays:
            digest.update(np.ascontiguousarray(array[row]).tobytes())
        name = prefix + digest.hexdigest()
        used[name] = used.get(name, 0) + 1
        ids.append(name if used[name] == 1 else f"{name}.{used[name]}")
    return ids


def join(pieces: Sequence[np.ndarray]) -> Any:
    """The arrays one after the other; one alone isn't copied; a list where their rows differ in shape."""
    if len(pieces) == 1:
        return pieces[0]
    if len({piece.shape[1:] for piece in pieces}) > 1:
        return [row for piece in pieces for row in piece]
    return np.concatenate(pieces)


def digest_of(*files: Path) -> str:
    """Of files' whole content."""
    digest = blake2b(digest_size=16)
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
