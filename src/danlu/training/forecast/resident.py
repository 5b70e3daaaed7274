"""What this process has of the machine's memory now, and what it had at most."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Resident:
    """Bytes. own: what belongs to it alone, without mapped files. files: mapped ones (libraries, the data's cache) as far as they are
    in memory. most: of both together, since the process began.
    """

    own: int
    files: int
    most: int

    @property
    def now(self) -> int:
        return self.own + self.files


def resident() -> Resident | None:
    """None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        kilobytes = {
            name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest
        }
        files = kilobytes["RssFile"] + kilobytes["RssShmem"]
        return Resident(1024 * kilobytes["RssAnon"], 1024 * files, 1024 * kilobytes["VmHWM"])
    except (OSError, KeyError, ValueError):
        return None


def most(device: torch.device) -> int | None:
    """The peak that a forecast speaks of: of tensors on a CUDA device, of the whole process elsewhere. None where it isn't known."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    found = resident()
    if found is not None:
        return found.most
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)


def mapped(folder: Path) -> tuple[int, int]:
    """(bytes of the files under ``folder`` that this process maps, bytes of them that are in memory)."""
    whole = there = 0
    inside, home = False, f"{folder.resolve()}/"
    try:
        with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line[0] in "0123456789abcdef":
                    inside = line.partition("/")[1] != "" and ("/" + line.partition("/")[2]).startswith(home)
                elif inside and line.startswith(("Size:", "Rss:")):
                    size = 1024 * int(line.split()[1])
                    whole, there = (whole + size, there) if line[0] == "S" else (whole, there + size)
    except (OSError, ValueError):
        return 0, 0
    return whole, there


def give_back() -> None:
    """Let the C library hand back what it keeps of freed memory, so that :func:`resident` says what is really held."""
    with suppress(OSError, AttributeError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


class Rise:
    """The most that is held inside, over what was held when this was made: of tensors on a CUDA device, else of the process's memory.

    bytes: None where it isn't known. A thread looks a thousand times a second, since the
    system's own mark of the peak can't be set back without taking it from others; freed memory mostly stays with the process for a
    while, so that little escapes it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ended = threading.Event()
        self._most: int | None = None
        if device.type == "cuda":
            self._before = int(torch.cuda.memory_allocated(device))
            return
        give_back()
        self._before = _now() or 0

    @property
    def bytes(self) -> int | None:
        return None if self._most is None else max(0, self._most - self._before)

    def __enter__(self) -> Rise:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._most = self._higher(_now())
            self._ended.clear()
            self._thread = threading.Thread(target=self._look, name="danlu-memory", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._device.type == "cuda":
            self._most = self._higher(int(torch.cuda.max_memory_allocated(self._device)))
        else:
            self._ended.set()
            self._thread.join()
            self._most = self._higher(_now())

    def _look(self) -> None:
        while not self._ended.wait(0.001):
            self._most = self._higher(_now())

    def _higher(self, now: int | None) -> int | None:
        return self._most if now is None else max(now, self._most or 0)


def _now() -> int | None:
    """Bytes of memory that this process has."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
