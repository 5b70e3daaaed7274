"""Any image file → upright 8-bit grey or RGB, with a word for everything that had to be mended."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danlu.data.images import refuse
from danlu.data.images.modes import to_eight_bits
from danlu.data.kinds.base import BadValue
from danlu.messages import say

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]  # (height, width)

# What Pillow's decoders raise on damaged files, found by feeding them such files.
_BREAKS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
)
_COMMON = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM")
_RARE = ("WEBP", "TIFF", "AVIF", "JPEG2000", "ICO", "CUR", "QOI", "DDS", "SGI", "PCX", "XBM", "XPM", "TGA")
_LARGE = 2**25  # pixels; so many take half a GB while they are decoded
_ALONE = threading.Lock()
_ORIENTATION = 0x0112
_HEAD = 4096
_HEADER_HAS_EXIF = ("JPEG", "MPO", "TIFF", "WEBP", "AVIF")


@dataclass(frozen=True)
class Picture:
    """A decoded image. image: mode "L" or "RGB", upright. raw: (height, width) of the whole, upright (JPEGs may be decoded smaller)."""

    image: Image
    raw: Size
    orientation: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded: upright (height, width); channels 1 or 3."""

    size: Size
    channels: int


@cache
def _pillow() -> Any:
    import warnings

    from PIL import Image

    # Pillow warns between one and two times its limit, and of odd tags; what matters stands in the card, with a reason.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    return Image


@cache
def _others() -> tuple[str, ...]:
    """Further formats of pictures. Not what can run programs (PostScript) or what is more than a picture (Photoshop)."""
    pillow = _pillow()
    pillow.init()
    return tuple(name for name in _RARE if name in pillow.OPEN)


def _open(data: bytes, source: Path | bytes) -> Image:
    """The image in a file or in a file's bytes; data: its bytes, or the first of them, to say what it is if it is none."""
    pillow = _pillow()
    try:
        try:
            image: Image = pillow.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_COMMON)
        except pillow.UnidentifiedImageError:
            image = pillow.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_others())
    except pillow.DecompressionBombError as error:
        raise BadValue(say("data.image.bomb")) from error
    except pillow.UnidentifiedImageError as error:
        raise BadValue(refuse.unknown(data)) from error
    except _BREAKS as error:
        raise BadValue(refuse.broken(error)) from error
    if image.width * image.height > refuse.LARGEST_PIXELS:
        image.close()
        raise BadValue(say("data.image.bomb"))
    if not image.width or not image.height:
        raise BadValue(say("data.image.not-an-image"))
    return image


def _orientation(image: Image) -> int:
    """EXIF orientation, 1 where there is none or where it makes no sense."""
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(image: Image, orientation: int) -> Image:
    turn = _pillow().Transpose
    method = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }.get(orientation)
    return image if method is None else image.transpose(method)


def look(raw: Path | bytes) -> Header:
    """Size and channels from the header alone, without reading the rest of a file. Raises :class:`BadValue`."""
    if isinstance(raw, bytes):
        return _look(_open(raw, raw))
    data = refuse.start(raw, _HEAD)
    with _open(data, raw) as image:
        return _look(image)


def _look(image: Image) -> Header:
    try:
        # Elsewhere Pillow would decode the whole file to find out.
        known = image.format in _HEADER_HAS_EXIF or "exif" in image.info
        orientation = _orientation(image) if known else 1
    except _BREAKS:
        orientation = 1
    size = (image.width, image.height) if orientation >= 5 else (image.height, image.width)
    grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")
    return Header(size, 1 if grey else 3)


def _picture(picture: Picture) -> Any:
    return picture


def decode(
    raw: Path | bytes,
    channels: int,
    scaled: Callable[[Size], Size] | None = None,
    use: Callable[[Picture], Any] = _picture,
) -> Any:
    """What ``use`` makes of the first picture in a file or in a file's bytes, upright, as mode "L" (channels 1) or "RGB" (channels 3).

    scaled: upright (height, width) of the whole image → the size it will be resized to; a JPEG is then decoded at an eighth, a
    quarter or half of its size where that is still at least twice as large. Of very large images one is decoded and used at a time,
    whatever the number of threads. Raises :class:`BadValue` with a one-line reason.
    """
    data = raw if isinstance(raw, bytes) else refuse.read(raw)
    image = _open(data, data)
    with _ALONE if image.width * image.height > _LARGE else nullcontext():
        try:
            picture = _decode(image, channels, scaled)
        except _BREAKS as error:
            raise BadValue(refuse.broken(error)) from error
        return use(picture)


def bare(data: bytes) -> tuple[Image, str, tuple[str, ...]]:
    """(the first picture of a file's bytes, upright, its pixels as the file has them, its format, notes), for masks.

    Raises :class:`BadValue` with a one-line reason.
    """
    image = _open(data, data)
    try:
        image.load()
        orientation = _orientation(image)
        notes = (say("data.image.note.exif"),) if orientation != 1 else ()
        return _upright(image, orientation), str(image.format), notes
    except _BREAKS as error:
        raise BadValue(refuse.broken(error)) from error


def _decode(image: Image, channels: int, scaled: Callable[[Size], Size] | None) -> Picture:
    notes: list[str] = []
    if (
        getattr(image, "is_animated", False) and image.format != "MPO"
    ):  # phones keep a preview beside the photo in an MPO
        notes.append(say("data.image.note.animated"))
        image.seek(0)
    width, height = image.size
    if any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())) and not image.mode.startswith("I"):
        notes.append(say("data.image.note.16-bit"))  # Pillow keeps the high byte of each colour
    if channels == 1 and image.mode not in ("1", "L", "LA", "La", "I", "F") and not image.mode.startswith("I;16"):
        notes.append(say("data.image.note.grey"))
    if scaled is not None and image.format in ("JPEG", "MPO"):
        orientation = _orientation(image)
        want_h, want_w = scaled((width, height) if orientation >= 5 else (height, width))
        if orientation >= 5:
            want_h, want_w = want_w, want_h
        mode = "L" if channels == 1 and image.mode == "RGB" else None
        image.draft(mode, (2 * want_w, 2 * want_h))
    image.load()
    orientation = _orientation(image)  # a PNG may say so only after its pixels
    if orientation != 1:
        notes.append(say("data.image.note.exif"))
    image, mended = to_eight_bits(image)
    image = _upright(image, orientation)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    raw = (width, height) if orientation >= 5 else (height, width)
    return Picture(image, raw, orientation, (*notes, *mended))
