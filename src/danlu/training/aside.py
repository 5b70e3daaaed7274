"""What is written beside its place, under a hidden name that tells whose it is, until it is whole and is moved there."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from danlu.data.cache.lock import machine
from danlu.training import lock

_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}  # what file systems that can't sync a folder say


def beside(path: Path, ending: str = "part") -> Path:
    """Where this process writes what becomes ``path`` ("part"), or keeps what it was ("old")."""
    return path.with_name(f".{path.name}.{machine()}-{os.getpid()}.{ending}")


def clear(folder: Path, name: str = "", *, own: bool = True, elsewhere: bool = False) -> None:
    """Delete what dead processes left beside ``name`` in ``folder``, or beside anything there.

    own: also what this one left, in vain. elsewhere: also what processes of other machines left, of which nobody here knows whether
    they live: right only where a lock keeps them out.
    """
    for path in (*left(folder, name, "part"), *left(folder, name, "old")):
        host, _, pid = path.name.split(".")[-2].rpartition("-")
        if host not in ("", machine()):
            gone = elsewhere
        elif pid == str(os.getpid()):
            gone = own
        else:
            gone = not _alive(pid)
        if gone and not lock.in_use(path):
            with suppress(OSError):
                remove(path)


def left(folder: Path, name: str, ending: str) -> list[Path]:
    """What lies beside ``name`` in ``folder`` (beside anything there where it is empty) under a name of :func:`beside`.

    Not by a glob: the patterns are kept compiled, and there is a new one for each checkpoint.
    """
    try:
        found = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    begin, end = f".{name}." if name else ".", f".{ending}"
    named = {each: each[len(begin) : -len(end)] for each in found if each.startswith(begin) and each.endswith(end)}
    return [folder / each for each, whose in named.items() if whose and (name or "." in whose)]


def remove(path: Path) -> None:
    """Whatever it is. What can't be deleted of a folder stays, hidden by its name, and is tried again another time."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """``path`` holds ``data``, on the disk, or what it held before. Raises OSError."""
    part = beside(path)
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """So that what was written is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """So that the names in it outlive a power cut too, where the system can. Raises OSError."""
    if os.name != "posix":
        return
    try:
        sync(path)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise


def _alive(pid: str) -> bool:
    """Whether a process of this machine has that number; where that can't be known, it is taken for one."""
    if os.name != "posix":
        return True
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
