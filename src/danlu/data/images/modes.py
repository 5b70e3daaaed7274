"""Pixel formats: 1, 16 and 32 bits, floats, palettes, CMYK, transparency → 8-bit grey ("L") or colour ("RGB")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from danlu.data.kinds.base import BadValue
from danlu.messages import say

if TYPE_CHECKING:
    from PIL.Image import Image

_STRIP = 2**22  # pixels
_FAINT = 2**12  # below it all values of 16 bits fall on the 16 darkest of 8
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def to_eight_bits(image: Image) -> tuple[Image, tuple[str, ...]]:
    """The loaded image as "L" or "RGB", and what had to be mended.

    16 bits lose their low byte (the whole range 0–65535 → 0–255, so that pictures stay comparable); floats are taken as 0–1, or as
    0–255 where they are larger; transparent parts show white, as on paper. Raises :class:`BadValue` for NaN.
    """
    mode = image.mode
    if mode in _ALPHA or "transparency" in image.info:
        return _on_white(image)
    if mode in ("L", "RGB"):
        return image, ()
    if mode == "1":
        return image.convert("L"), (say("data.image.note.1-bit"),)
    if mode.startswith("I;16"):
        return _sixteen(np.asarray(image))
    if mode == "I":
        return _integers(np.asarray(image))
    if mode == "F":
        return _floats(np.asarray(image))
    if mode == "CMYK":
        return image.convert("RGB"), (say("data.image.note.cmyk"),)
    if mode == "P":
        return image.convert("RGB"), (say("data.image.note.palette"),)
    return image.convert("RGB"), (say("data.image.note.mode", mode=mode),)


def _grey(values: np.ndarray) -> Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(values, dtype=np.uint8))


def _on_white(image: Image) -> tuple[Image, tuple[str, ...]]:
    """In strips: whole, it would take sixteen bytes a pixel."""
    from PIL import Image

    width, height = image.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        return _strip_on_white(image)
    made: Image.Image | None = None
    note: tuple[str, ...] = ()
    for top in range(0, height, rows):
        strip, said = _strip_on_white(image.crop((0, top, width, min(height, top + rows))))
        made = made or Image.new(strip.mode, image.size)
        made.paste(strip, (0, top))
        note = note or said
    assert made is not None
    return made, note


def _strip_on_white(image: Image) -> tuple[Image, tuple[str, ...]]:
    from PIL import Image

    grey = image.mode in ("LA", "La", "L", "1")
    whole = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    note: tuple[str, ...] = ()
    if whole.getchannel("A").getextrema() != (255, 255):
        whole = Image.alpha_composite(Image.new("RGBA", whole.size, (255, 255, 255, 255)), whole)
        note = (say("data.image.note.transparent"),)
    return whole.convert("RGB").convert("L") if grey else whole.convert("RGB"), note


def _sixteen(values: np.ndarray) -> tuple[Image, tuple[str, ...]]:
    """Values of 10 or 12 bits in 16, as cameras and scanners of medicine write them, are told of: little of them is left."""
    note = "data.image.note.16-bit" if int(values.max()) >= _FAINT else "data.image.note.16-bit-dark"
    return _grey(values >> 8), (say(note),)


def _integers(values: np.ndarray) -> tuple[Image, tuple[str, ...]]:
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 255:
        return _grey(values), (say("data.image.note.32-bit"),)
    if low >= 0 and high <= 65535:
        return _sixteen(values)
    return _by_own_range(values, low, high)


def _floats(values: np.ndarray) -> tuple[Image, tuple[str, ...]]:
    if not np.isfinite(values).all():
        raise BadValue(say("data.image.nan"))
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= 1.0:
        return _grey(np.rint(values * 255.0)), (say("data.image.note.float"),)
    if low >= 0.0 and high <= 255.0:
        return _grey(np.rint(values)), (say("data.image.note.float"),)
    return _by_own_range(values, low, high)


def _by_own_range(values: np.ndarray, low: float, high: float) -> tuple[Image, tuple[str, ...]]:
    scaled = (values.astype(np.float64) - low) * (255.0 / max(high - low, np.finfo(np.float64).tiny))
    return _grey(np.rint(scaled)), (say("data.image.note.own-range"),)
