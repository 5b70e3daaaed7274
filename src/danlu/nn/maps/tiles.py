"""Convolutions by the processor's tiles, with what follows them: the compiled page of C as functions of tensors.

Kernels are (O, C, K, K) float32, maps bfloat16 with channels last. O is a multiple of ``LANES``; C too, or so small that a position
sees no more than ``FEW`` numbers.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import NoKernelError, Source, library

_HERE = Path(__file__).parent
_PARTS = ("numbers.h", "norm.h", "moments.h", "raster.h", "tiles.h", "slopes.h", "few.h")
SOURCE = Source(_HERE / "tiles.c", tuple(_HERE / name for name in _PARTS), threads=True)
LANES = 16
FEW = 16  # MOST of few.h
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


@dataclass(frozen=True)
class Shape:
    """A convolution of maps (samples, channels, height, width) by kernels (outputs, channels, size, size); padding < size."""

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


@cache
def shape(*sizes: int) -> Shape:
    """Of the same sizes it is the same."""
    return Shape(*sizes)


@cache
def _whole(s: Shape) -> _Job:
    down, right = s.out
    kernel = s.size, s.size, s.stride, s.padding, s.padding
    return _Job(s.samples, s.height, s.width, s.channels, s.outputs, down, right, *kernel, 0, down * right, right, 1)


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


@cache
def _way_back(s: Shape) -> tuple[_Job, Any, list[tuple[_Phase, _Phase]], bool]:
    """Job of all phases together, of each, and whether they cover the whole map."""
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
    return hull, jobs, pairs, len(across) == s.stride


def _pack(job: _Job, weight: Tensor, start: int, steps: tuple[int, ...]) -> Tensor:
    """steps: between outputs, channels, rows and columns. start: of the first number."""
    found = _bytes(2 * _function("packed")(job))
    _function("pack")(job, weight.data_ptr() + 4 * start, (ctypes.c_int64 * 4)(*steps), found.data_ptr())
    return found


def _bytes(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8, device="cpu")


def _numbers(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _maps(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu", memory_format=torch.channels_last)


def _halved(s: Shape) -> tuple[int, int]:
    return s.out[0] // 2, s.out[1] // 2


def convolve(
    x: Tensor, weight: Tensor, s: Shape, *, pooled: bool, sums: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(y, which, parts). pooled: y is the greatest of every 2 × 2, and ``which`` of them it was.

    sums: ``parts`` (groups, 2, O) are mean and sum of squares around it of every :func:`group` samples of y.
    """
    job, threads = _whole(s), torch.get_num_threads()
    y = _maps(s.samples, s.outputs, *(_halved(s) if pooled else s.out))
    which = _bytes(y.numel()) if pooled else None
    parts = _numbers(-(-s.samples // group(s)), 2, s.outputs) if sums else None
    room = _bytes(_function("convolve_room")(job, pooled) * threads)
    packed = _pack(job, weight, 0, weight.stride())
    _function("convolve")(
        job, x.data_ptr(), packed.data_ptr(), y.data_ptr(), _at(which), _at(parts), room.data_ptr(), threads
    )
    return y, which, parts


def _at(one: Tensor | None) -> int | None:
    return None if one is None else one.data_ptr()


@cache
def group(s: Shape) -> int:
    """Samples of which sums are taken at once."""
    return int(_function("group")(_whole(s)))


def settle(
    parts: Tensor, s: Shape, weight: Tensor, bias: Tensor, running: tuple[Tensor, Tensor], eps: float, momentum: float
) -> Tensor:
    """What a norm of what comes out keeps (4, O), from the sums; its running mean and variance move by ``momentum``."""
    kept, each = _numbers(4, s.outputs), s.out[0] * s.out[1]
    sizes = group(s) * each, s.samples * each, s.outputs
    numbers = (one.data_ptr() for one in (*running, kept))
    _function("settle")(parts.data_ptr(), *sizes, weight.data_ptr(), bias.data_ptr(), eps, momentum, *numbers)
    return kept


def apply_pool(z: Tensor, s: Shape, kept: Tensor, by: int) -> tuple[Tensor, Tensor]:
    """(the greatest of every 2 × 2 of the normed and activated z, which it was)."""
    y = _maps(s.samples, s.outputs, *_halved(s))
    which = _bytes(y.numel())
    rest = y.data_ptr(), which.data_ptr(), torch.get_num_threads()
    _function("apply_pool")(_whole(s), z.data_ptr(), kept.data_ptr(), by, *rest)
    return y, which


@dataclass(frozen=True)
class Back:
    """A gradient on its way back to a convolution. which: of the pool that it came through; z, kept, by: what the norm before it was
    given, what it has kept, and its activation's place in ``kernel.ACTIVATIONS``."""

    g: Tensor
    which: Tensor | None = None
    z: Tensor | None = None
    kept: Tensor | None = None
    room: Tensor | None = None
    by: int = 0

    @property
    def told(self) -> _Slopes:
        return _Slopes(self.g.data_ptr(), *map(_at, (self.z, self.which, self.kept, self.room)), self.by)


def through_norm(back: Back, s: Shape, weight: Tensor) -> tuple[Back, Tensor, Tensor]:
    """(what is left to be gone through, gradients of the norm's weight and bias)."""
    assert back.kept is not None
    job, slopes = _whole(s), None
    parts = _numbers(_function("slope_parts")(job), 2, s.outputs)
    if back.by == 2:  # SiLU's slopes are dear
        slopes = torch.empty_like(back.g)
    _function("slopes")(job, back.told, parts.data_ptr(), _at(slopes), torch.get_num_threads())
    room, both = _numbers(3, s.outputs), _numbers(2, s.outputs)
    numbers = (one.data_ptr() for one in (weight, back.kept, both[0], both[1], room))
    positions = s.samples * s.out[0] * s.out[1]
    _function("settle_back")(parts.data_ptr(), len(parts), positions, s.outputs, *numbers)
    g, by = (back.g, back.by) if slopes is None else (slopes, 0)
    return Back(g, back.which, back.z, back.kept, room, by), both[0], both[1]


def back(slopes: Back, x: Tensor, weight: Tensor, s: Shape, *, inner: bool) -> tuple[Tensor, Tensor | None]:
    """Gradients of the kernel, float32, and, where ``inner``, of x."""
    job, threads, gx = _whole(s), torch.get_num_threads(), None
    hull, jobs, pairs, covered = _way_back(s)
    gweight = _numbers(s.outputs, s.size, s.size, s.channels)
    packed: list[Tensor] = []
    if inner:
        gx = _maps(*x.shape) if covered else torch.zeros_like(x)
        o, c, v, u = weight.stride()
        for one, (down, right) in zip(jobs, pairs, strict=True):
            packed.append(_pack(one, weight, down.last * v + right.last * u, (c, o, -s.stride * v, -s.stride * u)))
    room = _bytes(_function("back_room")(job, hull, threads))
    kernels = (_AT * len(jobs))(*(one.data_ptr() for one in packed))
    _function("back")(
        job,
        hull,
        slopes.told,
        x.data_ptr(),
        gweight.data_ptr(),
        jobs,
        kernels,
        len(jobs),
        _at(gx),
        room.data_ptr(),
        threads,
    )
    return gweight.permute(0, 3, 1, 2), gx
