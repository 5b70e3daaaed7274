"""The compiled page of C that takes a token of few texts through all layers in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.native.building import NoKernelError, Source, library
from danlu.nn.native.plain import plain
from danlu.nn.writing.kept import Kept

SOURCE = Source(
    Path(__file__).with_name("tokens.c"), (Path(__file__).parent.with_name("maps") / "numbers.h",), threads=True
)
LANES = 16  # widths are multiples of it
TEXTS = 16  # more at once are better taken by torch's matrix products (docs/performance.md)
ACTIVATIONS: dict[type[nn.Module], int] = {nn.ReLU: 0, nn.GELU: 1, nn.SiLU: 2}
_AT, _INT = ctypes.c_void_p, ctypes.c_int64


class _Pair(ctypes.Structure):
    _fields_ = (("weight", _AT), ("bias", _AT))


PARTS = ("norm1", "inside", "outside", "norm2", "query", "answer", "norm3", "first", "last")


class _Layer(ctypes.Structure):
    _fields_ = tuple((name, _Pair) for name in PARTS)


class _Net(ctypes.Structure):
    _fields_ = (
        *((name, _INT) for name in ("layers", "width", "heads", "hidden", "targets", "by", "threads")),
        ("eps", ctypes.c_float),
        ("layer", ctypes.POINTER(_Layer)),
        ("norm", _Pair),
        ("head", _Pair),
    )


class _Kept(ctypes.Structure):
    _fields_ = (("both", _AT), ("mask", _AT), ("room", _INT), ("size", _INT))


def missing() -> NoKernelError | None:
    """Why there is no kernel on this machine; None: there is one. The first call may compile it."""
    found = library(SOURCE)
    return found if isinstance(found, NoKernelError) else None


class Tokens:
    """Layers, each with the modules ``PARTS`` (None: it has none), the last norm and the embedding that is the head, as the kernel
    takes them: where their numbers lie now.
    """

    def __init__(
        self,
        layers: Sequence[Sequence[nn.Module | None]],
        norm: nn.Module,
        head: Tensor,
        heads: int,
        eps: float,
        by: int,
    ) -> None:
        rows = (_Layer * len(layers))(*(_Layer(*map(_pair, layer)) for layer in layers))
        hidden = layers[0][PARTS.index("first")].weight.shape[0]  # type: ignore[union-attr, index]
        sizes = (len(layers), head.shape[1], heads, int(hidden), head.shape[0], by, 1)
        self._net = _Net(*sizes, eps, rows, _pair(norm), _Pair(head.data_ptr(), None))
        self._reads = layers[0][PARTS.index("query")] is not None
        parts = [norm, *(part for layer in layers for part in layer if part is not None)]
        held = [each.detach() for part in parts for each in (part.weight, part.bias)]  # type: ignore[union-attr, operator]
        self._held = [head.detach(), *held]  # the memory must not be given back before, whatever a module has by then

    def take(self, x: Tensor, own: Kept, read: Kept | None) -> bool:
        """Whether these are few texts in float32, torch only computes, and the kernel is there, on as many threads."""
        return (
            plain(x)
            and x.is_contiguous()
            and x.dim() == 2
            and len(x) <= TEXTS
            and (read is not None) is self._reads
            and all(self._fits(x, each) for each in (own, read) if each is not None)
            and not torch.is_autocast_enabled("cpu")
            and not torch.is_grad_enabled()
            and missing() is None
            and (torch.get_num_threads() == 1 or threaded())
        )

    def _fits(self, x: Tensor, kept: Kept) -> bool:
        """Whether these are what such layers keep of as many texts."""
        net, (layers, _, texts, heads, _, width) = self._net, kept.both.shape
        sizes = (layers, texts, heads, heads * width) == (net.layers, len(x), net.heads, net.width)
        return x.dtype == kept.both.dtype == torch.float32 and sizes and x.shape[1] == net.width

    def __call__(self, x: Tensor, own: Kept, read: Kept | None) -> Tensor:
        """x: float32 (B, F), embedded tokens, which is overwritten; own: with a place for them → logits (B, V)."""
        net, texts = _Net.from_buffer_copy(self._net), len(x)
        net.threads = torch.get_num_threads()  # other threads may call at the same time, with as many as they have
        logits = x.new_empty(texts, net.targets)
        longest = max(own.size, read.size if read is not None else 0)
        work = x.new_empty(_function("work", _INT)(ctypes.byref(net), _INT(texts), _INT(longest)))
        memories = [_memory(each) for each in (own, read)]
        at = [_AT(each.data_ptr()) for each in (x, work, logits)]
        _function("write", None)(ctypes.byref(net), *memories, _INT(texts), *at)
        return logits


def _pair(part: Any) -> _Pair:
    return _Pair() if part is None else _Pair(part.weight.data_ptr(), part.bias.data_ptr())


def _memory(kept: Kept | None) -> Any:
    if kept is None:
        return None
    mask = None if kept.mask is None else kept.mask.data_ptr()
    return ctypes.byref(_Kept(kept.both.data_ptr(), mask, kept.both.shape[4], kept.size))


@cache
def _function(name: str, giving: Any) -> Any:
    found = getattr(library(SOURCE), f"danlu_{name}")
    found.restype = giving
    return found


@cache
def threaded() -> bool:
    """Whether it may be called where torch has several threads."""
    return bool(_function("threaded", _INT)())
