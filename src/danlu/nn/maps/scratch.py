"""Memory that a kernel works in during one call: each thread's own, and kept from call to call, so that it stays near."""

from __future__ import annotations

import threading

import torch
from torch import Tensor

_LINE = 64  # bytes: what is worked in begins on a line of the cache
_MOST = 64 << 20  # bytes that are kept; whatever asks for more gets it for itself


class _Kept(threading.local):
    memory: Tensor | None = None


_kept = _Kept()


class Scratch:
    """``total`` bytes from ``start`` on, where a line of the cache begins. They last until the same thread's next, or its end."""

    __slots__ = ("_memory", "start")

    def __init__(self, total: int) -> None:
        memory = _kept.memory
        if memory is None or memory.numel() < total + _LINE:
            memory = torch.empty(total + _LINE, dtype=torch.uint8, device="cpu")
            if total <= _MOST:
                _kept.memory = memory
        self._memory, self.start = memory, -(-memory.data_ptr() // _LINE) * _LINE
