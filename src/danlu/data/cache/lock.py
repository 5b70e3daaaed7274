"""One process fills a cache, others wait for it; what a dead one left is cleared away."""

from __future__ import annotations

import errno
import os
import shutil
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
_OLD = 24 * 3600.0  # seconds after which a temporary folder is left over, where there are no locks to ask
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
    path = folder / f"{key}{ASIDE}{os.getpid()}-{os.urandom(4).hex()}"
    path.mkdir()
    return path


def clear_leftovers(folder: Path, held: str) -> None:
    """Delete temporary folders whose process is dead. held: the key whose lock the caller holds."""
    left = list(folder.glob(f"*{ASIDE}*"))
    sure = bool(left) and _locks_work(folder)
    for path in left:
        key = path.name.partition(ASIDE)[0]
        if not sure:
            if time.time() - path.stat().st_mtime > _OLD:
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
