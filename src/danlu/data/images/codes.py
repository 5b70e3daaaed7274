"""What stands in a mask's pixels: whole numbers of grey and palette images, 0xRRGGBB of coloured ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.images import refuse
from danlu.data.images.decode import bare
from danlu.data.kinds.base import BadValue
from danlu.messages import say

Codes = tuple[np.ndarray, bool, tuple[str, ...]]
"""(int64 (H, W), whether they are colours, what was mended)."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF")
_BLURRING = ("JPEG", "MPO")  # always; the others can keep values too
_DARK, _LIGHT = 64, 192
_BETWEEN = 0.1  # of the pixels of a mask of two levels, at most, lie between them


def code_of(value: Any) -> int:
    """What a recipe names: 7, "7", "#ff0000", [255, 0, 0]. Raises ValueError for anything else."""
    if isinstance(value, str) and _HEX.fullmatch(value.strip()):
        return int(value.strip()[1:], 16)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, (list, tuple)) and len(value) == 3 and all(type(c) is int and 0 <= c <= 255 for c in value):
        return int(value[0]) << 16 | int(value[1]) << 8 | int(value[2])
    raise ValueError(say("masks.no-code", value=str(value)[:40]))


def is_colour(value: Any) -> bool:
    """Whether what a recipe names is a colour, not a number."""
    return isinstance(value, (list, tuple)) or (isinstance(value, str) and value.strip().startswith("#"))


def written(code: int, coloured: bool) -> str:
    """As a person writes it: "7", "#ff0000"."""
    return f"#{code:06x}" if coloured else str(code)


def of_file(raw: Path | bytes, coloured: bool | None) -> Codes:
    """coloured: whether colours are wanted; None: as the file is, to learn which values there are, which a JPEG of more than black and
    white can't tell. Raises :class:`BadValue` for what is no mask.
    """
    if isinstance(raw, str):
        raw = Path(raw)
    image, format_, notes = bare(raw if isinstance(raw, bytes) else refuse.read(raw))
    if format_ in _LOSSY and not (format_ == "WEBP" and coloured is None):
        notes = (*notes, say("masks.note.lossy", format=format_))
    if format_ in _BLURRING:
        levels = _two_levels(np.asarray(image.convert("RGB")))
        if levels is None and coloured is None:
            raise BadValue(say("masks.blurred", format=format_))
        if levels is not None:
            return _grey(levels, coloured, (*notes[:-1], say("masks.note.two-levels", format=format_)))
    if image.mode == "P" and coloured is not True:
        return np.asarray(image, np.int64), False, notes
    if image.mode in ("1", "L", "I") or image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.int64), coloured, notes)
    if image.mode in ("LA", "La"):
        return _grey(np.asarray(image.convert("LA"))[:, :, 0].astype(np.int64), coloured, notes)
    if image.mode == "F":
        return of_array(np.asarray(image), coloured)
    return _colours(np.asarray(image.convert("RGB")), coloured, notes)


def of_array(raw: np.ndarray, coloured: bool | None) -> Codes:
    """(H, W) of whole numbers or bool, also (H, W, 1) and (1, H, W); uint8 (H, W, 3)."""
    if raw.ndim == 3 and raw.shape[2] == 3 and raw.dtype == np.uint8:
        return _colours(raw, coloured, ())
    if raw.ndim == 3 and 1 in (raw.shape[0], raw.shape[2]):
        raw = raw[0] if raw.shape[0] == 1 else raw[:, :, 0]
    if raw.ndim != 2 or not raw.size or raw.dtype.kind not in "biuf":
        raise BadValue(say("masks.array", dtype=str(raw.dtype), shape="×".join(map(str, raw.shape))))
    if raw.dtype.kind == "f" and not (np.isfinite(raw).all() and (raw == np.rint(raw)).all()):
        raise BadValue(say("masks.fractions"))
    if raw.dtype.kind in "if" and raw.min() < 0:
        raise BadValue(say("masks.negative", value=int(raw.min())))
    return _grey(raw.astype(np.int64), coloured, ())


def blurring(raw: str | Path | bytes) -> str | None:
    """The format of a mask's file where it is one that never keeps values."""
    format_ = bare(raw if isinstance(raw, bytes) else refuse.read(Path(raw)))[1]
    return format_ if format_ in _BLURRING else None


def _two_levels(pixels: np.ndarray) -> np.ndarray | None:
    """int64 (H, W) of 0 and 255 where a blurred mask was of black and white, by the nearer one; else None. pixels: uint8 (H, W, 3)."""
    low, high = pixels.min(2), pixels.max(2)
    if (high.astype(np.int64) - low > _DARK).any() or int(high.max()) < _LIGHT:
        return None
    if ((low > _DARK) & (low < _LIGHT)).mean() > _BETWEEN:
        return None
    return np.where(low >= (_DARK + _LIGHT) // 2, 255, 0)


def _grey(values: np.ndarray, coloured: bool | None, notes: tuple[str, ...]) -> Codes:
    if coloured and int(values.max(initial=0)) < 256:
        return values * 0x010101, True, notes
    return values, bool(coloured), notes


def _colours(pixels: np.ndarray, coloured: bool | None, notes: tuple[str, ...]) -> Codes:
    red, green, blue = (pixels[:, :, channel].astype(np.int64) for channel in range(3))
    if coloured is not True and (red == green).all() and (red == blue).all():
        return red, False, (*notes, say("masks.note.grey"))
    return red << 16 | green << 8 | blue, True, notes
