"""One process fills a cache, others wait for it; what a dead one left is cleared away."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two may fill at once, each aside; the first to finish is kept
    fcntl = None  # type: ignore[assignment]

LOCKS = ".locks"
ASIDE = ".filling-"  # between a cache's key and what makes a temporary folder's name unique
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def locked(folder: Path, key: str, waiting: Callable[[], None], pause: float = 0.1) -> Iterator[None]:
    """Hold the lock of ``key``; ``waiting`` is called again and again while another process holds it.

    The lock is the kernel's (flock) and ends with its process, however that ends. Where the file system knows no locks,
    this is no lock.
    """
    (folder / LOCKS).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCKS / key, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        while not _try(descriptor):
            waiting()
            time.sleep(pause)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _locks_work(folder: Path) -> bool:
    if fcntl is None:
        return False
    descriptor = os.open(folder / LOCKS / ".probe", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def aside(folder: Path, key: str) -> Path:
    """A new, empty folder beside the cache's place, on the same file system, so that it can be renamed to it."""
    path = folder / f"{key}{ASIDE}{machine()}-{os.getpid()}-{os.urandom(4).hex()}"
    path.mkdir()
    return path


def clear_leftovers(folder: Path, held: str) -> None:
    """Delete temporary folders whose process is dead. held: the key whose lock the caller holds.

    Where there are no locks to ask, the system is asked for processes of this machine; others' folders stay. No clock is asked.
    """
    left = list(folder.glob(f"*{ASIDE}*"))
    sure = bool(left) and _locks_work(folder)
    for path in left:
        key, _, maker = path.name.partition(ASIDE)
        if not sure:
            if _dead(maker):
                shutil.rmtree(path, ignore_errors=True)
        elif key == held:
            shutil.rmtree(path, ignore_errors=True)
        else:
            _clear_other(folder, key, path)


def _clear_other(folder: Path, key: str, path: Path) -> None:
    descriptor = os.open(folder / LOCKS / key, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if _try(descriptor):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def machine() -> str:
    """This machine, as far as its name tells."""
    return "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname())[:40]


def _dead(maker: str) -> bool:
    """Whether ``host-pid-…`` names a process of this machine that is no more."""
    host, _, rest = maker.partition("-")
    pid = rest.partition("-")[0]
    if os.name != "posix" or host != machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
