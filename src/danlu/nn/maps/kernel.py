"""The compiled page of C as functions of tensors; whoever calls asks :func:`usable` first, and does without it else."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import NoKernelError, Source, library
from danlu.nn.native.plain import plain

SOURCE = Source(
    Path(__file__).with_name("maps.c"),
    tuple(Path(__file__).with_name(name) for name in ("numbers.h", "norm.h", "moments.h", "apply.h", "of.h")),
    threads=True,
)
LANES = 16  # channels are taken by so many
ACTIVATIONS = ("none", "relu", "silu")
_AT, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_TAKING: dict[str, list[Any]] = {
    "norm": [_AT, _AT, _INT, _INT, _AT, _AT, _REAL, _REAL, *[_AT] * 4, _INT, _INT],
    "norm_back": [_AT, _AT, _AT, _INT, _INT, *[_AT] * 6, _INT, _INT],
    "silu": [_AT, _AT, _INT, _INT],
    "join": [*[_AT] * 4, _INT, _INT, _INT],
    "activation_back": [_AT, _AT, _AT, _INT, _INT, _INT],
    "mean": [_AT, _AT, *[_INT] * 6],
    "mean_back": [_AT, _AT, *[_INT] * 6],
    "ends": [_AT, _AT, *[_INT] * 4],
    "ends_back": [*[_AT] * 4, *[_INT] * 4],
    "pool": [_AT, _AT, _AT, *[_INT] * 5],
    "pool_back": [_AT, _AT, _AT, *[_INT] * 5],
}
_SUFFIX = {torch.float32: "f", torch.bfloat16: "h"}


def _library() -> ctypes.CDLL | NoKernelError:
    return library(SOURCE)


def missing() -> NoKernelError | None:
    """Why there is no kernel on this machine; None: there is one. The first call may compile it."""
    found = _library()
    return found if isinstance(found, NoKernelError) else None


@cache
def _function(name: str, dtype: torch.dtype) -> Any:
    found = getattr(_library(), f"danlu_{name}_{_SUFFIX[dtype]}")
    found.argtypes, found.restype = _TAKING[name], None
    return found


@cache
def _parts(positions: int, channels: int) -> int:
    found = _library().danlu_parts  # type: ignore[union-attr]
    found.argtypes, found.restype = [_INT, _INT], _INT
    return int(found(positions, channels))


@cache
def _threaded() -> bool:
    return bool(_library().danlu_threaded())  # type: ignore[union-attr]


def _room(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Whatever torch's defaults are."""
    return torch.empty(shape, dtype=dtype, device="cpu")


def usable(x: Tensor) -> bool:
    """Whether these are maps (B, C, H, W) as the kernel reads them, with channels last, C a multiple of ``LANES``, and nobody but
    autograd asks what is done with them.
    """
    return alone(x) and x.dtype in _SUFFIX and last(x)


def last(x: Tensor) -> bool:
    """Whether these are maps (B, C, H, W) with channels last, C a multiple of ``LANES``."""
    return (
        x.dim() == 4
        and x.shape[1] % LANES == 0
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()  # maps of one position lie both ways: a net without channels_last keeps torch's operations
    )


def alone(x: Tensor) -> bool:
    """Whether this is a plain tensor on a CPU, nobody but autograd asks what is done with it, and the kernel has its threads."""
    return plain(x) and (torch.get_num_threads() == 1 or _threaded())


def like(g: Tensor, x: Tensor) -> Tensor:
    """A gradient as the kernel reads it, of the type of x."""
    if g.dtype == x.dtype and g.is_contiguous(memory_format=torch.channels_last):
        return g
    return g.to(x.dtype).contiguous(memory_format=torch.channels_last)


def norm(
    x: Tensor, weight: Tensor, bias: Tensor, running: tuple[Tensor, Tensor], eps: float, momentum: float, by: int
) -> tuple[Tensor, Tensor]:
    """Batch norm in training, and the activation ``ACTIVATIONS[by]``: (y (B, C, H, W), what :func:`norm_back` wants to know (4, C)).

    running: mean and variance (C,), which move by ``momentum``.
    """
    n, channels, y = x.numel() // x.shape[1], x.shape[1], torch.empty_like(x)
    kept, parts = _room(4, channels), _room(_parts(n, channels), 2, channels)
    _function("norm", x.dtype)(
        x.data_ptr(), y.data_ptr(), n, channels, weight.data_ptr(), bias.data_ptr(), eps, momentum, running[0].data_ptr(),
        running[1].data_ptr(), kept.data_ptr(), parts.data_ptr(), by, torch.get_num_threads(),
    )  # fmt: skip
    return y, kept


def norm_back(x: Tensor, g: Tensor, weight: Tensor, kept: Tensor, by: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x (B, C, H, W), weight (C,) and bias (C,) from that of y."""
    n, channels, gx = x.numel() // x.shape[1], x.shape[1], torch.empty_like(x)
    both, parts, room = _room(2, channels), _room(_parts(n, channels), 2, channels), _room(3, channels)
    gweight, gbias = both.unbind()
    _function("norm_back", x.dtype)(
        x.data_ptr(), g.data_ptr(), gx.data_ptr(), n, channels, weight.data_ptr(), kept.data_ptr(), gweight.data_ptr(),
        gbias.data_ptr(), parts.data_ptr(), room.data_ptr(), by, torch.get_num_threads(),
    )  # fmt: skip
    return gx, gweight, gbias


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """(the greatest of every 2 × 2 positions (B, C, ⌊H / 2⌋, ⌊W / 2⌋), which it was, uint8)."""
    samples, channels, height, width = x.shape
    size = samples, channels, height // 2, width // 2
    y = torch.empty(size, dtype=x.dtype, device="cpu", memory_format=torch.channels_last)
    which = _room(y.numel(), dtype=torch.uint8)
    sizes = samples, height, width, channels, torch.get_num_threads()
    _function("pool", x.dtype)(x.data_ptr(), y.data_ptr(), which.data_ptr(), *sizes)
    return y, which


def pool_back(g: Tensor, which: Tensor, shape: torch.Size) -> Tensor:
    """The gradient of what :func:`pool` was given."""
    samples, channels, height, width = shape
    gx = torch.empty(shape, dtype=g.dtype, device="cpu", memory_format=torch.channels_last)
    sizes = samples, height, width, channels, torch.get_num_threads()
    _function("pool_back", g.dtype)(g.data_ptr(), which.data_ptr(), gx.data_ptr(), *sizes)
    return gx


def silu(x: Tensor) -> Tensor:
    y = torch.empty_like(x)
    _function("silu", x.dtype)(x.data_ptr(), y.data_ptr(), x.numel(), torch.get_num_threads())
    return y


def join(a: Tensor, b: Tensor, by: int) -> tuple[Tensor, Tensor | None]:
    """(y, the activation ``ACTIVATIONS[by]`` of a + b; a + b, for a SiLU), of maps that lie alike. by: 1 or 2.

    :func:`activation_back` wants the sum, or y where there is none.
    """
    y = torch.empty_like(a)
    total = torch.empty_like(a) if by == 2 else None
    numbers = a.data_ptr(), b.data_ptr(), None if total is None else total.data_ptr(), y.data_ptr()
    _function("join", a.dtype)(*numbers, a.numel(), by, torch.get_num_threads())
    return y, total


def activation_back(x: Tensor, g: Tensor, by: int) -> Tensor:
    """The gradient of x from that of its activation. x: of a ReLU its answer does as well."""
    gx = torch.empty_like(x)
    sizes = x.numel(), by, torch.get_num_threads()
    _function("activation_back", x.dtype)(x.data_ptr(), g.data_ptr(), gx.data_ptr(), *sizes)
    return gx


def mean(x: Tensor, ceil: bool) -> Tensor:
    """The average of every 2 × 2 positions (B, C, ⌊H / 2⌋, ⌊W / 2⌋); ceil: and of what is left over (B, C, ⌈H / 2⌉, ⌈W / 2⌉)."""
    samples, channels, height, width = x.shape
    size = samples, channels, (height + ceil) // 2, (width + ceil) // 2
    y = torch.empty(size, dtype=x.dtype, device="cpu", memory_format=torch.channels_last)
    sizes = samples, height, width, channels, ceil, torch.get_num_threads()
    _function("mean", x.dtype)(x.data_ptr(), y.data_ptr(), *sizes)
    return y


def mean_back(g: Tensor, shape: torch.Size, ceil: bool) -> Tensor:
    """The gradient of what :func:`mean` was given."""
    samples, channels, height, width = shape
    gx = torch.empty(shape, dtype=g.dtype, device="cpu", memory_format=torch.channels_last)
    sizes = samples, height, width, channels, ceil, torch.get_num_threads()
    _function("mean_back", g.dtype)(g.data_ptr(), gx.data_ptr(), *sizes)
    return gx


def ends(x: Tensor) -> Tensor:
    """Each channel's average, and behind them each channel's greatest, (B, 2C)."""
    samples, channels, height, width = x.shape
    y = _room(samples, 2 * channels, dtype=x.dtype)
    _function("ends", x.dtype)(x.data_ptr(), y.data_ptr(), samples, height * width, channels, torch.get_num_threads())
    return y


def ends_back(x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """The gradient of x from that of y, which :func:`ends` gave; both (B, 2C)."""
    samples, channels, height, width = x.shape
    gx, sizes = torch.empty_like(x), (samples, height * width, channels, torch.get_num_threads())
    _function("ends_back", x.dtype)(x.data_ptr(), y.data_ptr(), g.data_ptr(), gx.data_ptr(), *sizes)
    return gx
