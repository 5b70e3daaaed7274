"""Whether memory that a step has freed is kept for the next one, or given back to the system and asked for again.

glibc gives large blocks back as soon as they are freed; the next step then gets them page by page, each cleared by the system.
mallopt(3) tells the settings.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # names of malloc.h
_GROW = 64 << 20  # bytes by which the heap grows


def keep() -> bool:
    """Keep freed memory from now on, in this process; False where its C library is not glibc. Can't be taken back."""
    if not can_keep():
        return False
    libc = ctypes.CDLL(None)
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, _GROW))
    return all(libc.mallopt(name, value) == 1 for name, value in settings)


def can_keep() -> bool:
    """Whether :func:`keep` can do anything here."""
    with suppress(AttributeError, OSError, ValueError):  # no such name, or no such function: another system
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    return False


def pages_got() -> int:
    """Pages of memory that this process has got from the system so far; 0 where the system doesn't tell."""
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return 0
