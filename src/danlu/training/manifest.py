"""A manifest proves the files of a folder: their sizes and BLAKE2b hashes, and a hash of itself.

``MANIFEST.json`` is {"blake2b": of the rest, "files": {name: {"bytes", "blake2b"}}, "format"}. It is compared byte by byte with what
:func:`write` would write, so that not even white space changes unnoticed. Format 1 had no hash of itself.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from danlu.errors import RunError
from danlu.messages import say

NAME = "MANIFEST.json"
FORMAT = 2
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = (
    os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)  # a FIFO must not be waited for


class DamagedError(Exception):
    """Something is not as it was written; the message names the file and says what is wrong with it."""


@dataclass(frozen=True)
class Entry:
    """What a file was when it was written. blake2b: 128 bits, hex."""

    bytes: int
    blake2b: str


def write(folder: Path, names: Iterable[str]) -> None:
    """Prove the files ``names`` as they are now. Raises OSError."""
    (folder / NAME).write_bytes(proof(folder, names))


def proof(folder: Path, names: Iterable[str]) -> bytes:
    """What :func:`write` writes. names: relative, with "/"."""
    files = {name: {"bytes": (folder / name).stat().st_size, "blake2b": digest(folder / name)} for name in names}
    return _text({"files": files, "format": FORMAT})


def entries(folder: Path) -> dict[str, Entry]:
    """Name → entry, from a manifest that is sound. Raises :class:`DamagedError`.

    Raises RunError where it is of a later version: that is no damage, and nothing older may be taken in its place. So that it can be
    told from damage, a manifest of whatever format has the hash of itself.
    """
    with opened(folder / NAME) as file:
        raw = file.read()
    changed = DamagedError(say("training.damage-changed", file=NAME))
    try:
        content = json.loads(raw)
        known = content["format"]
        rest = {key: value for key, value in content.items() if key != "blake2b"}
        sound = raw == (_text(rest) if known != 1 else _old_text(rest))
        files = {name: Entry(entry["bytes"], entry["blake2b"]) for name, entry in content["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise changed from error
    if not sound:
        raise changed
    if known not in (1, FORMAT):
        what = say("training.newer-format", format=known, known=FORMAT)
        raise RunError.of(str(folder), what, say("training.newer-format.remedy"))
    return files


def content(path: Path, entry: Entry) -> bytes:
    """All bytes of a file, once they are proven. Raises :class:`DamagedError`."""
    with opened(path) as file:
        _check_size(path, file, entry)
        try:
            data = file.read()
        except OSError as error:
            raise _unreadable(path, error) from error
    if hashlib.blake2b(data, digest_size=16).hexdigest() != entry.blake2b:
        raise DamagedError(say("training.damage-changed", file=path.name))
    return data


def check(path: Path, entry: Entry) -> None:
    """:func:`content` without keeping the bytes."""
    with opened(path) as file:
        _check_size(path, file, entry)
        try:
            found = _digest(file)
        except OSError as error:
            raise _unreadable(path, error) from error
    if found != entry.blake2b:
        raise DamagedError(say("training.damage-changed", file=path.name))


def opened(path: Path) -> BufferedReader:
    """A regular file, open for reading; links, FIFOs and the like are not followed or waited for. Raises :class:`DamagedError`."""
    try:
        if not _NO_LINKS and path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise DamagedError(say("training.damage-missing", file=path.name)) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise DamagedError(say("training.damage-link", file=path.name)) from error
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DamagedError(say("training.damage-no-file", file=path.name))
    return os.fdopen(descriptor, "rb")


def digest(path: Path) -> str:
    """blake2b-128 of a file, hex."""
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: BufferedReader) -> str:
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _check_size(path: Path, file: BufferedReader, entry: Entry) -> None:
    found = os.fstat(file.fileno()).st_size
    if found != entry.bytes:
        raise DamagedError(say("training.damage-size", file=path.name, found=found, size=entry.bytes))


def _unreadable(path: Path, error: OSError) -> DamagedError:
    return DamagedError(say("training.damage-unreadable", file=path.name, reason=error.strerror or str(error)))


def _text(content: Mapping[str, Any]) -> bytes:
    rest = _old_text(content)
    return _old_text({**content, "blake2b": hashlib.blake2b(rest, digest_size=16).hexdigest()})


def _old_text(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
