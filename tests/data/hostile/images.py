"""Images: a few bytes that claim or unpack to anything."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from tests.data.hostile.case import LARGE, among_images, case, classes


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, data: bytes, *chunks: bytes) -> bytes:
    """data: compressed rows. chunks: before them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@cache
def zeros(size: int) -> bytes:
    """zlib's compression of so many zero bytes, about a thousandth of them."""
    return zlib.compress(bytes(size), 9)


TINY = zlib.compress(b"\0" * 8)  # rows of a 8 × 1 grey image
BOMB = png(50_000, 50_000, 8, 2, zeros(1 << 20))

for _name, _content, _says in (
    ("50,000 × 50,000 pixels in a PNG of 1 KB", BOMB, "more pixels"),
    ("50,000 × 50,000 pixels of 64 bits", png(50_000, 50_000, 16, 6, zeros(1 << 20)), "more pixels"),
    ("2³¹ pixels wide", png(2**31 - 1, 1, 8, 0, TINY), ""),
    ("a PNG text that unpacks to 64 MB", png(7, 1, 8, 0, TINY, chunk(b"zTXt", b"a\0\0" + zeros(1 << 26))), "damaged"),
    (
        "an international PNG text that unpacks to 64 MB",
        png(7, 1, 8, 0, TINY, chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(1 << 26))),
        "damaged",
    ),
    (
        "a colour profile that unpacks to 64 MB",
        png(7, 1, 8, 0, TINY, chunk(b"iCCP", b"a\0\0" + zeros(1 << 26))),
        "damaged",
    ),
    (
        "200 PNG texts of 1 MB",
        png(7, 1, 8, 0, TINY, *[chunk(b"zTXt", b"a%d\0\0" % n + zeros((1 << 20) - 1)) for n in range(200)]),
        "damaged",
    ),
    ("pixels that unpack to 64 MB where 8 are wanted", png(7, 1, 8, 0, zeros(1 << 26)), None),
    ("a GIF screen of 65,535 × 65,535", b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b"\x2c" + bytes(9), ""),
    ("a PPM of 10¹⁰ pixels", b"P6 99999 99999 255\n", "more pixels"),
    ("a PPM of 10³⁰ pixels", b"P6 999999999999999 999999999999999 255\n", ""),
    (
        "a BMP of 2³¹ pixels",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**16, 2**15, 1, 24, 0, 0, 0, 0, 0, 0),
        "more pixels",
    ),
    (
        "PostScript, which could run programs",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "not an image",
    ),
    ("a Photoshop file", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(40), "not an image"),
):
    case(_name, says=None, listed=None if _says is None else {"bad.png": _says})(among_images("bad.png", _content))


def jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header says another size than it has."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    data = buffer.getvalue()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def exif_bomb() -> bytes:
    """An orientation of 2³² - 1 values, and an EXIF folder that points at itself."""
    entries = struct.pack("<HHII", 0x0112, 3, 2**32 - 1, 8) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    body = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + struct.pack("<I", 8)
    data = jpeg(8, 8)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def tiff(loop: bool) -> bytes:
    """A TIFF whose only page is followed by itself, or by 50,000 more."""
    tags = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 4, 279: 16}
    page = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()
    )
    if loop:
        return b"II*\0" + struct.pack("<I", 24) + bytes(16) + page + struct.pack("<I", 24)
    size, count = len(page) + 4, 50_000
    links = (struct.pack("<I", 24 + size * (place + 1) if place + 1 < count else 0) for place in range(count))
    return b"II*\0" + struct.pack("<I", 24) + bytes(16) + b"".join(page + link for link in links)


def ico(inside: bytes) -> bytes:
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inside), 22) + inside


for _name, _file, _content, _listed in (
    ("a JPEG header of 65,500 × 65,500", "bad.jpg", jpeg(65_500, 65_500), {"bad.jpg": "more pixels"}),
    ("a JPEG header of 13,000 × 13,000", "bad.jpg", jpeg(13_000, 13_000), None),
    ("EXIF of 4 billion values that goes in circles", "odd.jpg", exif_bomb(), None),
    ("a TIFF that goes in circles", "odd.tif", tiff(loop=True), None),
    ("a TIFF of 50,000 pages", "odd.tif", tiff(loop=False), None),
    ("a bomb in an icon", "bad.ico", ico(BOMB), {"bad.ico": ""}),
):
    case(_name, listed=_listed)(among_images(_file, _content))


@case("three images of 169 million pixels each", LARGE, used=27)
def many_pixels(root: Path) -> dict[str, Any]:
    packer = zlib.compressobj(9)
    row = bytes(1 + 13_000 * 4)
    data = b"".join([*(packer.compress(row) for _ in range(13_000)), packer.flush()])
    for number in range(3):
        (classes(root) if not number else root).joinpath("cat", f"big{number}.png").write_bytes(
            png(13_000, 13_000, 8, 6, data, chunk(b"tEXt", b"a\0%d" % number))
        )
    return {"source": str(root), "max_bad": 0.5, "duplicates": "keep", "workers": 4}
