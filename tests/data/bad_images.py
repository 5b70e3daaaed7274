"""Fifty ways in which image files go wrong, made on the spot: each a writer, and what must become of the file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Writer = Callable[[Path], None]


def pixels(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    """uint8 (H, W, C): a gradient with a bright corner, so that turning and cropping can be seen."""
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.stack([columns * 7, rows * 9, (rows + columns) * 3, np.full_like(rows, 255)][:channels], axis=2)
    image[:6, :6, :3] = 250
    return (image % 256).astype(np.uint8)


def data(format_: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels()).convert(mode).save(buffer, format_, **options)
    return buffer.getvalue()


def raw(content: bytes) -> Writer:
    return lambda path: path.write_bytes(content) and None


def saved(image: Image.Image, format_: str, **options: object) -> Writer:
    return lambda path: image.save(path, format_, **options)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand, for what Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def bmp_header_only() -> bytes:
    return data("BMP")[:54]


def frames(count: int) -> list[Image.Image]:
    return [Image.fromarray(np.roll(pixels(), 3 * place, axis=1)) for place in range(count)]


def animated(format_: str) -> Writer:
    first, *others = frames(3)
    return lambda path: first.save(path, format_, save_all=True, append_images=others)


def palette(transparent: bool) -> Writer:
    image = Image.fromarray(pixels()).quantize(16)
    return saved(image, "PNG", **({"transparency": 3} if transparent else {}))


def grey16() -> Image.Image:
    return Image.fromarray((np.arange(24 * 32).reshape(24, 32) * 85).astype(np.uint16))


def floats(low: float, high: float) -> Image.Image:
    return Image.fromarray(np.linspace(low, high, 24 * 32, dtype=np.float32).reshape(24, 32))


def with_nan() -> Image.Image:
    values = np.zeros((24, 32), np.float32)
    values[3, 4] = np.nan
    return Image.fromarray(values)


def bomb() -> bytes:
    return png(50_000, 50_000, 1, 0, b"\0" * 100)


def colour16() -> bytes:
    rows = np.zeros((24, 1 + 32 * 6), np.uint8)
    rows[:, 1:] = np.arange(32 * 6)
    return png(32, 24, 16, 2, rows.tobytes())


def link(to: str) -> Writer:
    return lambda path: path.symlink_to(to)


def pipe(path: Path) -> None:
    os.mkfifo(path)


# name → (writer, what its note says): repaired and used.
MENDED: dict[str, tuple[Writer, str]] = {
    **{
        f"exif_{value}.jpg": (raw(data("JPEG", exif=exif(value), quality=95)), "EXIF")
        for value in (2, 3, 4, 5, 6, 7, 8)
    },
    "exif.png": (raw(data("PNG", exif=exif(6))), "EXIF"),
    "exif.webp": (raw(data("WEBP", exif=exif(6), lossless=True)), "EXIF"),
    "grey16.png": (saved(grey16(), "PNG"), "16 bits"),
    "grey16.tif": (saved(grey16(), "TIFF"), "16 bits"),
    "colour16.png": (raw(colour16()), "16 bits"),
    "integers.tif": (saved(Image.fromarray(pixels()[:, :, 0].astype(np.int32) * 200), "TIFF"), "16 bits"),
    "huge_integers.tif": (saved(Image.fromarray((pixels()[:, :, 0].astype(np.int32) - 100) * 5000), "TIFF"), "own"),
    "cmyk.jpg": (raw(data("JPEG", "CMYK")), "CMYK"),
    "cmyk.tif": (raw(data("TIFF", "CMYK")), "CMYK"),
    "lab.tif": (saved(Image.frombytes("LAB", (32, 24), pixels().tobytes()), "TIFF"), "LAB"),
    "ycbcr.tif": (raw(data("TIFF", "YCbCr")), "YCbCr"),
    "palette.png": (palette(False), "palette"),
    "palette_transparent.png": (palette(True), "white"),
    "rgba.png": (saved(Image.fromarray(np.where(pixels(channels=4) > 250, 90, pixels(channels=4))), "PNG"), "white"),
    "la.png": (saved(Image.fromarray(pixels()).convert("LA").point(lambda v: v // 2), "PNG"), "white"),
    "animated.gif": (animated("GIF"), "first"),
    "animated.webp": (animated("WEBP"), "first"),
    "animated.png": (animated("PNG"), "first"),
    "pages.tif": (animated("TIFF"), "first"),
    "one_bit.png": (raw(data("PNG", "1")), "black and white"),
    "float_01.tif": (saved(floats(0, 1), "TIFF"), "floats"),
    "float_255.tif": (saved(floats(0, 255), "TIFF"), "floats"),
    "float_beyond.tif": (saved(floats(-3, 900), "TIFF"), "own"),
}

# name → (writer, what the reason says): set aside and listed.
REFUSED: dict[str, tuple[Writer, str]] = {
    "truncated.jpg": (raw(data("JPEG", quality=95)[:-400]), "truncated"),
    "truncated.png": (raw(data("PNG")[:-60]), "truncated"),
    "truncated.bmp": (raw(data("BMP")[:-300]), "truncated"),
    "truncated.webp": (raw(data("WEBP")[:60]), ""),
    "truncated.gif": (raw(data("GIF")[: len(data("GIF")) // 2]), ""),
    "truncated.tif": (raw(data("TIFF")[:200]), ""),
    "header_only.jpg": (raw(data("JPEG")[:20]), ""),
    "header_only.png": (raw(data("PNG")[:33]), ""),
    "header_only.bmp": (raw(bmp_header_only()), ""),
    "broken_checksum.png": (raw(flipped(data("PNG"), 18)), ""),
    "broken_data.png": (raw(flipped(data("PNG"), 60)), ""),
    "empty.jpg": (raw(b""), "empty"),
    "empty.png": (raw(b""), "empty"),
    "zeros.jpg": (raw(bytes(4000)), "zero bytes"),
    "noise.jpg": (raw(np.random.default_rng(0).bytes(4000)), "not an image"),
    "text.png": (raw(b"this is no picture\n" * 20), "not an image"),
    "page.jpg": (raw(b"<!DOCTYPE html><html><body>404</body></html>"), "web page"),
    "drawing.png": (raw(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), "SVG"),
    "document.jpg": (raw(b"%PDF-1.7 ..."), "PDF"),
    "archive.png": (raw(b"PK\x03\x04" + bytes(50)), "archive"),
    "pointer.jpg": (raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "Git LFS"),
    "phone.heic": (raw(struct.pack(">I", 24) + b"ftypheic" + bytes(200)), "HEIC"),
    "bomb.png": (raw(bomb()), "more pixels"),
    "nan.tif": (saved(with_nan(), "TIFF"), "NaN"),
    "nowhere.jpg": (link("does-not-exist.jpg"), "link"),
    "circle.jpg": (link("circle.jpg"), "link"),
    "pipe.jpg": (pipe, "plain file"),
    "folder.jpg": (lambda path: path.mkdir(), "folder"),
    "\udcff\udce9.jpg": (raw(b""), "empty"),
}


def write(folder: Path) -> None:
    """All of them, each under its name."""
    for name, (writer, _) in {**MENDED, **REFUSED}.items():
        writer(folder / name)
