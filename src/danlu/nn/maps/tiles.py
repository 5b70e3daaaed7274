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

from danlu.nn.maps.scratch import Scratch, lines
from danlu.nn.native.building import TURN, NoKernelError, Source, library

_HERE = Path(__file__).parent
_PARTS = ("numbers.h", "norm.h", "moments.h", "raster.h", "tiles.h", "slopes.h", "few.h")
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


_JOB, _SLOPES = ctypes.POINTER(_Job), ctypes.POINTER(_Slopes)
_TAKING: dict[str, list[Any]] = {
    "packed": [_JOB],
    "pack": [_JOB, _AT, _AT, _AT],
    "group": [_JOB],
    "convolve_room": [_JOB, _INT],
    "convolve": [_JOB, *[_AT] * 6, _INT],
    "settle": [_AT, _INT, _INT, _INT, _AT, _AT, _REAL, _REAL, _AT, _AT, _AT],
    "apply_pool": [_JOB, _AT, _AT, _INT, _AT, _AT, _INT],
    "slope_parts": [_JOB],
    "slopes": [_JOB, _SLOPES, _AT, _AT, _INT],
    "settle_back": [_AT, _INT, _INT, _INT, *[_AT] * 5],
    "back_room": [_JOB, _JOB, _INT],
    "back": [_JOB, _JOB, _SLOPES, _AT, _AT, _AT, _AT, _INT, _AT, _AT, _INT],
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
    def group(self) -> int:
        """Samples of which sums are taken at once."""
        return int(_function("group")(self.job))

    @cached_property
    def groups(self) -> int:
        return -(-self.samples // self.group)

    @cached_property
    def packed(self) -> int:
        """Bytes of the kernel as tiles."""
        return 2 * int(_function("packed")(self.job))

    @cached_property
    def way_back(self) -> _WayBack:
        return _way_back(self)

    @cached_property
    def slope_parts(self) -> int:
        """Parts of which sums of slopes are taken."""
        return int(_function("slope_parts")(self.job))


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


@dataclass(frozen=True)
class _WayBack:
    """jobs: of each remainder of rows and columns. hull: of all together. starts: for each, the row and the column of a kernel at which
    its numbers begin. packed: bytes of each's kernel as tiles. covered: whether together they cover the whole map.
    """

    hull: _Job
    jobs: Any
    starts: list[tuple[int, int]]
    packed: list[int]
    covered: bool


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
    packed = [2 * int(_function("packed")(job)) for job in jobs]
    return _WayBack(hull, jobs, [(v.last, u.last) for v, u in pairs], packed, len(across) == s.stride)


def _pack(job: _Job, weight: Tensor, start: int, steps: tuple[int, ...], to: int) -> int:
    """A kernel as tiles at ``to``. steps: between outputs, channels, rows and columns. start: of the first number."""
    _function("pack")(job, weight.data_ptr() + 4 * start, _steps(steps), to)
    return to


@cache
def _steps(steps: tuple[int, ...]) -> Any:
    return (_INT * 4)(*steps)


def _bytes(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8, device="cpu")


def _numbers(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _maps(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu", memory_format=torch.channels_last)


def _halved(s: Shape) -> tuple[int, int]:
    return s.out[0] // 2, s.out[1] // 2


@lru_cache(_KNOWN)
def _convolve_room(s: Shape, pooled: bool) -> int:
    return int(_function("convolve_room")(s.job, pooled))


@lru_cache(_KNOWN)
def _back_room(s: Shape, threads: int) -> int:
    return int(_function("back_room")(s.job, s.way_back.hull, threads))


def _at(one: Tensor | None) -> int | None:
    return None if one is None else one.data_ptr()


def convolve(x: Tensor, weight: Tensor, s: Shape, *, pooled: bool) -> tuple[Tensor, Tensor | None]:
    """(y, which). pooled: y is the greatest of every 2 × 2, and ``which`` of them it was."""
    y = _maps(s.samples, s.outputs, *(_halved(s) if pooled else s.out))
    which = _bytes(y.numel()) if pooled else None
    _convolve(x, weight, s, y, which, Scratch(_convolve_size(s, pooled)), None)
    return y, which


def _convolve_size(s: Shape, pooled: bool) -> int:
    return lines(s.packed) + _convolve_room(s, pooled) * torch.get_num_threads()


def _convolve(
    x: Tensor, weight: Tensor, s: Shape, y: Tensor, which: Tensor | None, scratch: Scratch, parts: int | None
) -> None:
    job, threads = s.job, torch.get_num_threads()
    packed = _pack(job, weight, 0, weight.stride(), scratch.piece(s.packed))
    room = scratch.piece(0)
    _function("convolve")(job, x.data_ptr(), packed, y.data_ptr(), _at(which), parts, room, threads)


class Moving(NamedTuple):
    """A batch norm's running mean and variance (C,), which move by ``momentum``, and what is added to a variance."""

    mean: Tensor
    variance: Tensor
    eps: float
    momentum: float


def convolve_norm(
    x: Tensor, weight: Tensor, s: Shape, norm: tuple[Tensor, Tensor], moving: Moving
) -> tuple[Tensor, Tensor]:
    """(z, what a norm of it keeps (4, O)). norm: its weight and bias (O,)."""
    z, kept, sums = _maps(s.samples, s.outputs, *s.out), _numbers(4, s.outputs), 8 * s.groups * s.outputs
    scratch = Scratch(lines(sums) + _convolve_size(s, False))
    parts = scratch.piece(sums)
    _convolve(x, weight, s, z, None, scratch, parts)
    mean, variance, eps, momentum = moving
    each, learnt = s.out[0] * s.out[1], (norm[0].data_ptr(), norm[1].data_ptr())
    sizes, numbers = (s.group * each, s.samples * each, s.outputs), (mean.data_ptr(), variance.data_ptr())
    _function("settle")(parts, *sizes, *learnt, eps, momentum, *numbers, kept.data_ptr())
    return z, kept


def apply_pool(z: Tensor, s: Shape, kept: Tensor, by: int) -> tuple[Tensor, Tensor]:
    """(the greatest of every 2 × 2 of the normed and activated z, which it was)."""
    y = _maps(s.samples, s.outputs, *_halved(s))
    which = _bytes(y.numel())
    rest = y.data_ptr(), which.data_ptr(), torch.get_num_threads()
    _function("apply_pool")(s.job, z.data_ptr(), kept.data_ptr(), by, *rest)
    return y, which


class Back(NamedTuple):
    """A gradient on its way back to a convolution. which: of the pool that it came through; z, kept, by: what the norm before it was
    given, what it has kept, and its activation's place in ``kernel.ACTIVATIONS``. room (3, O): what its way through the norm is put
    together with.
    """

    g: Tensor
    which: Tensor | None = None
    z: Tensor | None = None
    kept: Tensor | None = None
    room: Tensor | None = None
    by: int = 0

    @property
    def told(self) -> _Slopes:
        return _Slopes(self.g.data_ptr(), _at(self.z), _at(self.which), _at(self.kept), _at(self.room), self.by)


def through_norm(back: Back, s: Shape, weight: Tensor) -> tuple[Back, Tensor, Tensor]:
    """(what is left to be gone through, gradients of the norm's weight and bias)."""
    assert back.kept is not None
    count, slopes = s.slope_parts, None
    parts = Scratch(8 * count * s.outputs).piece(0)
    if back.by == 2:  # SiLU's slopes are dear
        slopes = torch.empty_like(back.g)
    _function("slopes")(s.job, back.told, parts, _at(slopes), torch.get_num_threads())
    room, (gweight, gbias) = _numbers(3, s.outputs), _numbers(2, s.outputs).unbind()
    numbers = weight.data_ptr(), back.kept.data_ptr(), gweight.data_ptr(), gbias.data_ptr(), room.data_ptr()
    positions = s.samples * s.out[0] * s.out[1]
    _function("settle_back")(parts, count, positions, s.outputs, *numbers)
    g, by = (back.g, back.by) if slopes is None else (slopes, 0)
    return Back(g, back.which, back.z, back.kept, room, by), gweight, gbias


def back(slopes: Back, x: Tensor, weight: Tensor, s: Shape, *, inner: bool) -> tuple[Tensor, Tensor | None]:
    """Gradients of the kernel, float32, and, where ``inner``, of x."""
    way, threads, gx = s.way_back, torch.get_num_threads(), None
    gweight = _numbers(s.outputs, s.size, s.size, s.channels)
    scratch = Scratch(sum(map(lines, way.packed)) + _back_room(s, threads))
    packed: list[int] = []
    if inner:
        gx = _maps(*x.shape) if way.covered else torch.zeros_like(x)
        o, c, v, u = weight.stride()
        steps = c, o, -s.stride * v, -s.stride * u
        for one, (down, right), size in zip(way.jobs, way.starts, way.packed, strict=True):
            packed.append(_pack(one, weight, down * v + right * u, steps, scratch.piece(size)))
    kernels, count = (_AT * len(way.jobs))(*packed), len(way.jobs)
    learnt, room = gweight.data_ptr(), scratch.piece(0)
    told = s.job, way.hull, slopes.told, x.data_ptr(), learnt, way.jobs, kernels, count, _at(gx), room, threads
    _function("back")(*told)
    return gweight.permute(0, 3, 1, 2), gx
