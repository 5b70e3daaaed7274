"""What lies in a folder, for millions of files: names, a fingerprint, and what was passed over."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from danlu.data.progress import Pace, Progress
from danlu.errors import DataError
from danlu.messages import say
from danlu.messages.visible import visible

# By name, in any case: what people keep as images, also kinds that will be refused with a reason when they are opened.
IMAGES = frozenset(
    (
        *(
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".jp2",
            ".j2k",
            ".png",
            ".apng",
            ".gif",
            ".webp",
            ".avif",
            ".heic",
            ".heif",
        ),
        *(".tif", ".tiff", ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".pcx", ".ico"),
    )
)
_VISITS = 250  # as many class folders may be links to one
_LITTER = frozenset(("thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"))


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return os.path.splitext(name)[1].lower() in IMAGES  # noqa: PTH122 - called for every file


TEXTS = frozenset((".txt", ".text"))


def is_text(name: str) -> bool:
    """Whether a file is a plain text by its name."""
    return os.path.splitext(name)[1].lower() in TEXTS  # noqa: PTH122


def is_hidden(name: str) -> bool:
    """Files that systems leave about: dot files, Thumbs.db, __MACOSX …"""
    return name.startswith(".") or name.lower() in _LITTER


def readable(name: str) -> str:
    """A file name on one line of UTF-8, another for every name: bytes that are no UTF-8 and controls are shown as \\xNN."""
    if name.isprintable() and "\\" not in name:
        return name
    return visible(name.replace("\\", "\\\\"), line=True)


@dataclass
class Listing:
    """names: images, relative to the root with forward slashes, sorted. digest: of their names, sizes and times.

    ignored: (name, why) of what was passed over. problems: (name, why) of what could not be listed.
    """

    names: list[str] = field(default_factory=list)
    digest: str = ""
    ignored: list[tuple[str, str]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    visits: Counter[tuple[int, int]] = field(default_factory=Counter)
    wanted: Callable[[str], bool] = is_image


def listing(root: Path, progress: Progress | None = None, wanted: Callable[[str], bool] = is_image) -> Listing:
    """All images (what is ``wanted`` by its name) below ``root``. Links are followed, but never in a circle.

    Raises DataError where links lead to one folder again and again: ten folders that link to each other have ten million paths.
    """
    found = Listing(wanted=wanted)
    stamps: dict[str, str] = {}
    pace = Pace(progress, say("data.listing"))
    waiting: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(os.fspath(root), "", ())]
    while waiting:
        folder, prefix, above = waiting.pop()
        _scan(folder, prefix, above, found, stamps, waiting)
        pace(len(stamps))
    found.names = sorted(stamps)
    digest = blake2b(digest_size=16)
    for name in found.names:
        digest.update(f"{readable(name)}\0{stamps[name]}\n".encode())
    found.digest = digest.hexdigest()
    found.ignored.sort()
    found.problems.sort()
    pace.end(len(stamps))
    return found


def _scan(
    folder: str,
    prefix: str,
    above: tuple[tuple[int, int], ...],
    found: Listing,
    stamps: dict[str, str],
    waiting: list[tuple[str, str, tuple[tuple[int, int], ...]]],
) -> None:
    try:
        status = os.stat(folder)  # noqa: PTH116
        here = (status.st_dev, status.st_ino)
        if here in above:
            found.ignored.append((readable(prefix), say("data.note.link-circle")))
            return
        found.visits[here] += 1
        if found.visits[here] > _VISITS:
            raise DataError.of(
                readable(folder.removesuffix(prefix)) or folder,
                say("data.folder.links", most=f"{_VISITS:,}", folder=readable(prefix)[:200]),
                say("data.folder.links.remedy"),
            )
        entries = list(os.scandir(folder))
    except OSError as error:
        reason = "data.folder.forbidden" if error.errno in (errno.EACCES, errno.EPERM) else "data.folder.unreadable"
        found.problems.append((readable(prefix), say(reason, reason=error.strerror or error)))
        return
    if prefix and not entries and is_image(prefix.rstrip("/")):
        found.problems.append((readable(prefix.rstrip("/")), say("data.image.folder")))
    for entry in entries:
        name = prefix + entry.name
        if is_hidden(entry.name):
            found.ignored.append((readable(name), say("data.note.hidden")))
        elif _is_folder(entry):
            waiting.append((entry.path, f"{name}/", (*above, here)))
        elif not found.wanted(entry.name):
            found.ignored.append(
                (readable(name), say("data.note.not-an-image" if found.wanted is is_image else "text.note.not-a-text"))
            )
        else:
            stamps[name] = stamp(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def stamp(entry: os.DirEntry[str] | str) -> str:
    """Size and times of a file, for a fingerprint; empty where it can't be asked (it is listed, and found bad when opened).

    The time of the last change of anything (ctime) is the system's own: archives and copies may set the other to what it was.
    """
    try:
        status = entry.stat() if isinstance(entry, os.DirEntry) else os.stat(entry)  # noqa: PTH116
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def fingerprint(root: str, names: Iterable[str], progress: Progress | None = None) -> str:
    """The same for files named elsewhere (in a manifest), in their order."""
    digest = blake2b(digest_size=16)
    pace = Pace(progress, say("data.listing"))
    count = 0
    for count, name in enumerate(names, 1):
        digest.update(f"{readable(name)}\0{stamp(os.path.join(root, name))}\n".encode())  # noqa: PTH118
        pace(count)
    pace.end(count)
    return digest.hexdigest()
