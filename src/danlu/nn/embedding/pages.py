"""Large pages for long tables: a row drawn from millions then needs no walk through the tables of small pages.

madvise(2) tells what the system makes of it; where there is no such thing nothing happens. No number changes.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

import torch
from torch import Tensor

_HUGE = 2 << 20  # bytes of a large page
_LEAST = 4 * _HUGE  # shorter tables stand in the processor's own list of pages


def large_pages(memory: Tensor) -> bool:
    """Ask for large pages under ``memory``, best before it is first written. Whether the system took the wish."""
    size = memory.numel() * memory.element_size()
    if memory.device.type != "cpu" or size < _LEAST or not memory.is_contiguous() or sys.platform != "linux":
        return False
    advice = getattr(mmap, "MADV_HUGEPAGE", None)
    if advice is None:
        return False
    first = -(-memory.data_ptr() // _HUGE) * _HUGE
    length = (memory.data_ptr() + size - first) // _HUGE * _HUGE
    libc = ctypes.CDLL(None)
    return bool(libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), ctypes.c_int(advice)) == 0)


def zeros(like: Tensor, *shape: int) -> Tensor:
    """Zeros of such a kind, on large pages where they are many: what an optimiser remembers of a table."""
    memory = torch.empty(shape, dtype=like.dtype, device=like.device)
    large_pages(memory)
    return memory.zero_()
