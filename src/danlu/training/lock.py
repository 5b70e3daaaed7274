"""One process writes a folder; a second one is refused at once and told who it is.

The lock is the kernel's (flock on ``.lock``) and ends with its process, however that ends: nothing is ever judged by a clock. Where the
file system or the system knows no locks, this is none.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danlu.errors import Problem, RunError
from danlu.messages import say

FILE = ".lock"
_LOOKS = 10  # a process that only looks whether a folder is in use holds it for microseconds
_PAUSE = 0.02  # seconds
_held: set[int] = set()  # descriptors of the locks of this process


def _let_go() -> None:
    """A forked data worker must not hold the lock on after this process was killed."""
    while _held:
        os.close(_held.pop())


if os.name == "posix":
    import fcntl

    os.register_at_fork(after_in_child=_let_go)


def hold(folder: Path) -> int | None:
    """Hold ``folder`` until this process ends or :func:`release`; what release wants, None where there are no locks.

    Raises RunError where another process holds it, or where nothing can be written there.
    """
    if os.name != "posix":
        return None
    try:
        descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise _not_writable(folder, error) from error
    try:
        taken = _taken(descriptor)
    except OSError:  # no locks here (some network file systems)
        os.close(descriptor)
        return None
    if not taken:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise RunError.of(
            str(folder), say("training.folder-in-use", holder=holder), say("training.folder-in-use.remedy")
        )
    _sign(descriptor)
    _held.add(descriptor)
    return descriptor


@contextmanager
def held(folder: Path | None) -> Iterator[None]:
    """:func:`hold` ``folder``, which is made where it is not there, inside. None: nothing is held."""
    if folder is None:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error
    descriptor = hold(folder)
    try:
        yield
    finally:
        release(descriptor)


def release(descriptor: int | None) -> None:
    if descriptor is not None:
        _held.discard(descriptor)
        os.close(descriptor)


def in_use(folder: Path) -> bool:
    """Whether a living process holds ``folder``. Only looks: works where nothing can be written."""
    if os.name != "posix":
        return False
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here
        return False
    finally:
        os.close(descriptor)
    return False


def _not_writable(folder: Path, error: OSError) -> RunError:
    what = say("training.folder-not-writable", reason=error.strerror or str(error))
    return RunError(Problem(str(folder), what, say("training.folder-not-writable.remedy")))


def _taken(descriptor: int) -> bool:
    for look in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if look + 1 < _LOOKS:
                time.sleep(_PAUSE)
    return False


def _sign(descriptor: int) -> None:
    """For whoever is refused. A full disk may leave it empty: the lock holds all the same."""
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise


def _holder(descriptor: int) -> str:
    """Who holds the lock, as far as it is known."""
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return say("training.folder-holder", pid=found["pid"], host=found["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return say("training.folder-holder-unknown")
