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
    """Pieces of ``total`` bytes, rounded up to lines each, one after the other. They last until the next Scratch of the same thread."""

    __slots__ = ("_memory", "_next")

    def __init__(self, total: int) -> None:
        memory = _kept.memory
        if memory is None or memory.numel() < total + _LINE:
            memory = torch.empty(total + _LINE, dtype=torch.uint8, device="cpu")
            if total <= _MOST:
                _kept.memory = memory
        self._memory, self._next = memory, -(-memory.data_ptr() // _LINE) * _LINE

    def piece(self, size: int) -> int:
        """The address of the next ``size`` bytes."""
        at = self._next
        self._next = at + lines(size)
        return at


def lines(size: int) -> int:
    """Bytes of whole lines of the cache that hold ``size``."""
    return -(-size // _LINE) * _LINE
