"""How much memory this process uses, asked of the system and of torch's allocator; no device is waited for."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path


def resident() -> int | None:
    """Bytes of main memory this process holds, mapped files included; where only its peak is known, the peak; else
    None.
    """
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def available() -> int | None:
    """Bytes this process may hold at all: the machine's memory, or less where its control group is limited; None:
    unknown.
    """
    try:
        limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = min(limit, int(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return limit


def cuda() -> tuple[int, int] | None:
    """(bytes reserved by torch, bytes there are) of the current CUDA device; None unless torch is loaded and uses
    one.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return torch.cuda.memory_reserved(), torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
