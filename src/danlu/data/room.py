"""What fits into memory, asked before it is taken: a few KB can claim to be, or unpack to, anything."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from danlu.errors import DataError
from danlu.messages import say

_HARMLESS = 2**28  # bytes: so much may unpack from nothing
_DENSEST = 250  # no data of this size pack so well; zeros pack a thousandfold


@cache
def memory() -> float:
    """Bytes this process may hold: the machine's memory, or less where its control group is limited; without bound where unknown."""
    try:
        limit = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = min(limit, float(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return limit


def refuse_too_large(where: str, size: int, packed: int | None = None) -> None:
    """Raises DataError where ``size`` bytes take more than half of the memory, or unpack from suspiciously few (``packed``)."""
    if packed is not None and size > max(_HARMLESS, _DENSEST * packed):
        raise DataError.of(
            where,
            say("data.room.bomb", size=shown(size), packed=shown(packed)),
            say("data.room.bomb.remedy"),
        )
    if size > memory() / 2:
        what = say("data.room.memory", size=shown(size), memory=shown(int(memory())))
        raise DataError.of(where, what, say("data.room.memory.remedy"))


def shown(size: int) -> str:
    """Bytes for a person: "12 KB", "3.4 GB"."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= factor:
            amount = size / factor
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"
    return f"{size} B"
