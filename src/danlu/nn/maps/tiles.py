"""Convolutions by the processor's tiles, with what follows them: the compiled page of C as functions of tensors.

Kernels are (O, C, K, K) float32, maps bfloat16 with channels last. O is a multiple of ``LANES``; C too, or so small that a position
sees no more than ``FEW`` numbers.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from danlu.nn.maps.scratch import Scratch
from danlu.nn.native.building import TURN, NoKernelError, Source, library

_HERE = Path(__file__).parent
_PARTS = ("numbers.h", "norm.h", "moments.h", "apply.h", "raster.h", "tiles.h", "slopes.h", "few.h", "stage.h")
SOURCE = Source(_HERE / "tiles.c", (*(_HERE / name for name in _PARTS), TURN), threads=True)
LANES = 16
FEW = 16  # MOST of few.h
_KNOWN = 4096  # shapes that are remembered, 3 KiB each: images of many sizes make ever new ones
THREADS = 8  # sums over positions are taken in no more parts than these
_FIELDS = (
    "samples height width channels outputs down right rows columns stride above left to to_sample to_row to_column"
)
_AT, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float


class _Job(ctypes.Structure):
    _fields_ = [(name, _INT) for name in _FIELDS.split()]


class _Slopes(ctypes.Structure):
    _fields_ = [("g", _AT), ("z", _AT), ("which", _AT), ("kept", _AT), ("room", _AT), ("by", _INT)]


class _Norm(ctypes.Structure):
    _fields_ = [
        *((name, _AT) for name in ("weight", "bias", "mean", "variance", "kept")),
        *(("eps", _REAL), ("momentum", _REAL), ("by", _INT)),
    ]


class _Way(ctypes.Structure):
    _fields_ = [*((name, _AT) for name in ("hull", "jobs", "starts")), ("count", _INT), ("stride", _INT)]


_JOB, _WAY, _SLOPES, _NORM = map(ctypes.POINTER, (_Job, _Way, _Slopes, _Norm))
_TAKING: dict[str, list[Any]] = {
    "forward_room": [_JOB, _INT],
    "forward": [_JOB, _AT, _AT, _AT, _NORM, *[_AT] * 4, _INT],
    "backward_room": [_JOB, _WAY, _INT],
    "backward": [_JOB, _WAY, _SLOPES, *[_AT] * 9, _INT],
}


@cache
def missing() -> NoKernelError | None:
    """Why there are no tiles on this machine, or no way to them; None: there are. The first call may compile."""
    if not (torch.cpu._is_amx_tile_supported() and torch.cpu._init_amx()):
        return NoKernelError("system", "no AMX")
    found = library(SOURCE)
    return found if isinstance(found, NoKernelError) else None


@cache
def _function(name: str) -> Any:
    found = getattr(library(SOURCE), f"danlu_{name}")
    found.argtypes, found.restype = _TAKING[name], _INT
    return found


@dataclass(frozen=True, eq=False)
class Shape:
    """A convolution of maps (samples, channels, height, width) by kernels (outputs, channels, size, size); padding < size.

    Made by :func:`shape` alone, which remembers it: it keeps what is worked out of its sizes.
    """

    samples: int
    channels: int
    height: int
    width: int
    outputs: int
    size: int
    stride: int
    padding: int

    @cached_property
    def out(self) -> tuple[int, int]:
        """Height and width of what comes out."""
        down, right = ((side + 2 * self.padding - self.size) // self.stride + 1 for side in (self.height, self.width))
        return down, right

    @cached_property
    def comes_out(self) -> int:
        """Numbers; 0 where a kernel is larger than what it sees."""
        down, right = self.out
        return self.samples * self.outputs * down * right if down > 0 < right else 0

    @cached_property
    def of_a_sample(self) -> int:
        """Numbers that a sample shows and gets."""
        return self.height * self.width * self.channels + self.comes_out // self.samples

    @cached_property
    def job(self) -> _Job:
        down, right = self.out
        kernel = self.size, self.size, self.stride, self.padding, self.padding
        sizes = self.samples, self.height, self.width, self.channels, self.outputs, down, right
        return _Job(*sizes, *kernel, 0, down * right, right, 1)

    @cached_property
    def way_back(self) -> _WayBack:
        return _way_back(self)


@lru_cache(_KNOWN)
def shape(*sizes: int) -> Shape:
    """Of the same sizes it is the same, while it is among the last that were asked for."""
    return Shape(*sizes)


@dataclass(frozen=True)
class _Phase:
    """Rows (or columns) ``first``, ``first + stride``, … of a map, in its convolution's way back.

    They are what ``taps`` of the kernel, ``last``, ``last - stride``, …, see of the gradients from ``begin`` on.
    """

    first: int
    last: int
    taps: int
    begin: int


def _phases(s: Shape) -> list[_Phase]:
    found = []
    for first in range(s.stride):
        taps = [tap for tap in range(s.size) if (tap - first - s.padding) % s.stride == 0]
        if taps:
            found.append(_Phase(first, taps[-1], len(taps), (first + s.padding - taps[-1]) // s.stride))
    return found


class _WayBack(NamedTuple):
    """What C is told of it, and what that points to. covered: whether the whole map is worked out."""

    told: Any
    covered: bool
    kept: tuple[Any, ...]


def _way_back(s: Shape) -> _WayBack:
    (down, right), across = s.out, _phases(s)
    rows, columns = (-(-side // s.stride) for side in (s.height, s.width))
    begin, end = min(phase.begin for phase in across), max(phase.begin + phase.taps for phase in across)
    seen = s.samples, down, right, s.outputs
    hull = _Job(*seen, s.channels, rows, columns, end - begin, end - begin, 1, -begin, -begin, 0, 0, 0, 0)
    pairs = [(v, u) for v in across for u in across if v.first < s.height and u.first < s.width]
    jobs = (_Job * len(pairs))()
    for place, (v, u) in enumerate(pairs):
        rows, columns = -(-(s.height - v.first) // s.stride), -(-(s.width - u.first) // s.stride)
        to = v.first * s.width + u.first, s.height * s.width, s.stride * s.width, s.stride
        jobs[place] = _Job(*seen, s.channels, rows, columns, v.taps, u.taps, 1, -v.begin, -u.begin, *to)
    starts = (_INT * (2 * len(pairs)))(*(start for v, u in pairs for start in (v.last, u.last)))
    told = _Way(ctypes.addressof(hull), ctypes.addressof(jobs), ctypes.addressof(starts), len(pairs), s.stride)
    return _WayBack(told, len(across) == s.stride, (hull, jobs, starts))


@cache
def _steps(steps: tuple[int, ...]) -> Any:
    return (_INT * 4)(*steps)


def _bytes(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8, device="cpu")


def _numbers(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _kernels(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu", memory_format=torch.channels_last)


def _maps(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu", memory_format=torch.channels_last)


@lru_cache(_KNOWN)
def _forward_room(s: Shape, threads: int) -> int:
    return int(_function("forward_room")(s.job, threads))


@lru_cache(_KNOWN)
def _backward_room(s: Shape, threads: int) -> int:
    way = s.way_back  # held until C is done: what it points to is its own
    return int(_function("backward_room")(s.job, way.told, threads))


def _at(one: Tensor | None) -> int | None:
    return None if one is None else one.data_ptr()


class Normed(NamedTuple):
    """A batch norm behind a convolution: weight, bias, running mean and variance (O,), which move by ``momentum``, what is added to a
    variance, and the activation behind it by its place in ``kernel.ACTIVATIONS``.
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor
    eps: float
    momentum: float
    by: int


class Passed(NamedTuple):
    """What the way back wants. which: of every 2 × 2 the one that was greatest, where there is a pool. z: what the norm was given, and
    what it has kept (4, O), where there is one.
    """

    which: Tensor | None
    z: Tensor | None = None
    kept: Tensor | None = None


def forward(x: Tensor, filters: Tensor, s: Shape, norm: Normed | None, *, pooled: bool) -> tuple[Tensor, Passed]:
    """A convolution, its norm and activation, and the greatest of every 2 × 2: (B, O, …), and what the way back wants."""
    threads, z, kept, told = torch.get_num_threads(), None, None, _Norm()
    y = _maps(s.samples, s.outputs, *((s.out[0] // 2, s.out[1] // 2) if pooled else s.out))
    which = _bytes(y.numel()) if pooled else None
    if norm is not None:
        z, kept = _maps(s.samples, s.outputs, *s.out), _numbers(4, s.outputs)
        told = _Norm(*(each.data_ptr() for each in (*norm[:4], kept)), *norm[4:])
    scratch = Scratch(_forward_room(s, threads))  # kept until C is done
    steps, made = _steps(filters.stride()), (_at(z), y.data_ptr(), _at(which))
    _function("forward")(s.job, x.data_ptr(), filters.data_ptr(), steps, told, *made, scratch.start, threads)
    return y, Passed(which, z, kept)


class Gradients(NamedTuple):
    """Of the filters, float32; of x, where it was asked for; of a norm's weight and bias, where there is one."""

    filters: Tensor
    x: Tensor | None
    weight: Tensor | None
    bias: Tensor | None


def backward(
    g: Tensor, passed: Passed, x: Tensor, filters: Tensor, s: Shape, norm: tuple[Tensor, int] | None, *, inner: bool
) -> Gradients:
    """g: of what :func:`forward` gave. norm: its weight and the activation. inner: whether x's gradient is asked for."""
    way, threads, gx, weight, bias = s.way_back, torch.get_num_threads(), None, None, None
    gfilters = _kernels(*filters.shape)
    if norm is not None:
        weight, bias = _numbers(s.outputs), _numbers(s.outputs)
    if inner:
        gx = _maps(*x.shape) if way.covered else torch.zeros_like(x)
    slopes = _Slopes(g.data_ptr(), _at(passed.z), _at(passed.which), _at(passed.kept), None, norm[1] if norm else 0)
    scratch = Scratch(_backward_room(s, threads))  # kept until C is done
    seen = x.data_ptr(), filters.data_ptr(), _steps(filters.stride()), norm[0].data_ptr() if norm else None
    found = gfilters.data_ptr(), _at(weight), _at(bias), _at(gx)
    _function("backward")(s.job, way.told, slopes, *seen, *found, scratch.start, threads)
    return Gradients(gfilters, gx, weight, bias)
