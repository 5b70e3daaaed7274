"""Real small and read-only disks for a test: mounts that only a forked process sees, and that vanish with it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.forked import NotPossibleError, forked

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18


def apart(work: Callable[[], None]) -> None:
    """``work()`` in a forked process with mounts of its own; skips where the system allows no such process."""

    def alone() -> None:
        try:
            _own_mounts()
        except OSError as error:
            raise NotPossibleError(f"no mounts of one's own here: {error}") from error
        work()

    if not sys.platform.startswith("linux"):
        pytest.skip("mounts of one process are Linux's")
    forked(alone)


def small(folder: Path, pages: int, files: int | None = None) -> Path:
    """A disk of so many pages (4 KiB) in memory, on ``folder``; files: at most so many, folders included."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={pages * 4096}" + (f",nr_inodes={files}" if files else "")
    _mount("tmpfs", folder, "tmpfs", 0, options)
    return folder


def read_only(folder: Path) -> Path:
    """Nothing in ``folder`` can be changed any more, not even by root."""
    _mount(str(folder), folder, "", _BIND)
    _mount("", folder, "", _BIND | _REMOUNT | _READ_ONLY)
    return folder


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes all that is free on the disk of ``folder`` but ``leave`` pages."""
    path = folder / "filler"
    path.unlink(missing_ok=True)
    free = os.statvfs(folder)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, (free.f_bavail - leave) * free.f_frsize))
    return path


def _own_mounts() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_MOUNTS | (_NEW_USER if user else 0)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("none", Path("/"), "", _RECURSIVE | _PRIVATE)


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [text.encode() or None for text in (source, str(target), kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))
