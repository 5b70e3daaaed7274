"""Why a file is no image we can use: one line for each way in which files go wrong."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from danlu.data.kinds.base import BadValue
from danlu.messages import say

LARGEST_FILE = 2**30  # bytes; nothing that decodes within the pixel limit is larger
LARGEST_PIXELS = 178_956_970  # where Pillow itself speaks of a decompression bomb

# What people's broken downloads and exports begin with.
_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "data.image.lfs"),
    (b"%pdf", "data.image.pdf"),
    (b"<svg", "data.image.svg"),
    (b"<!doctype html", "data.image.html"),
    (b"<html", "data.image.html"),
    (b"pk\x03\x04", "data.image.archive"),
    (b"\x1f\x8b", "data.image.archive"),
    (b"rar!", "data.image.archive"),
)


def read(path: Path) -> bytes:
    """The file's bytes. Raises :class:`BadValue`: missing, a folder, a pipe, empty, forbidden, too large."""
    return start(path, -1)


def start(path: Path, count: int) -> bytes:
    """The first ``count`` bytes of the file, all where -1. Raises :class:`BadValue` like :func:`read`."""
    try:
        status = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, once for every image
        if not stat.S_ISREG(status.st_mode):
            raise BadValue(say("data.image.folder" if stat.S_ISDIR(status.st_mode) else "data.image.special"))
        if status.st_size == 0:
            raise BadValue(say("data.image.empty"))
        if status.st_size > LARGEST_FILE:
            raise BadValue(say("data.image.huge-file", gigabytes=f"{status.st_size / 2**30:.1f}"))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(count)
    except OSError as error:
        raise BadValue(_unreadable(path, error)) from error
    except ValueError as error:  # a NUL in the name
        raise BadValue(say("data.image.name")) from error


def _unreadable(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return say("data.image.broken-link" if path.is_symlink() else "data.image.missing")
    if error.errno in (errno.EACCES, errno.EPERM):
        return say("data.image.forbidden")
    if error.errno == errno.ELOOP:
        return say("data.image.broken-link")
    if error.errno == errno.ENAMETOOLONG:
        return say("data.image.name")
    return say("data.image.unreadable", reason=error.strerror or str(error))


def unknown(data: bytes) -> str:
    """The reason for bytes that no decoder claims."""
    if not data:
        return say("data.image.empty")
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for sign, key in _SIGNS:
        if head.startswith(sign):
            return say(key)
    if head.startswith(b"<?xml") and b"<svg" in data[:4096].lower():
        return say("data.image.svg")
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"hevc", b"msf1"):
        return say("data.image.heic")
    if not data.strip(b"\0"):
        return say("data.image.zeros")
    return say("data.image.not-an-image")


def broken(error: BaseException) -> str:
    """The reason for a file whose decoder gave up half way."""
    text = " ".join(str(error).split())
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return say("data.image.truncated")
    return say("data.image.broken", reason=text[:120] or type(error).__name__)
