"""One direction of an LSTM or a GRU by the processor's tiles: the compiled page of C as functions of tensors.

Inputs are bfloat16 with time first, (T, B, F); weights are torch's, float32. What lies behind the end of a row is neither read nor
worked out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import TURN, NoKernelError, Source, library

_HERE = Path(__file__).parent
SOURCE = Source(
    _HERE / "recurrence.c",
    (*(_HERE / name for name in ("rows.h", "products.h", "gates.h", "weights.h")), TURN),
    threads=True,
)
CELLS = ("LSTM", "GRU")
_SEEN, _GATES, _CELLS, _FORTH, _BACK = range(5)  # what danlu_size tells of
_AT, _INT = ctypes.c_void_p, ctypes.c_int64


class _Job(ctypes.Structure):
    _fields_ = [
        *((name, _INT) for name in ("cell", "times", "rows", "features", "hidden", "step", "reverse")),
        *((name, _AT) for name in ("order", "active", "start")),
    ]


_JOB = ctypes.POINTER(_Job)
_TAKING: dict[str, list[Any]] = {
    "lay": [_AT, _INT, _INT, _AT, _AT, _AT],
    "size": [_JOB, _INT],
    "threaded": [],
    "forth": [_JOB, *[_AT] * 12, _INT],
    "back": [_JOB, *[_AT] * 13, _INT, _AT, _INT],
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


@cache
def threaded() -> bool:
    """Whether it may be called where torch has several threads."""
    return bool(_function("threaded")())


@dataclass(frozen=True)
class Rows:
    """Which of B rows are real at which of T times. order (B,), active (T,), start (T + 1,), all int64."""

    order: Tensor
    active: Tensor
    start: Tensor

    @staticmethod
    def of(lengths: Tensor, times: int) -> Rows:
        """lengths: int64 (B,), held between 0 and ``times``."""
        lengths, count = lengths.contiguous(), len(lengths)
        found = Rows(*(torch.empty(size, dtype=torch.int64, device="cpu") for size in (count, times, times + 1)))
        _function("lay")(lengths.data_ptr(), count, times, *(each.data_ptr() for each in found.parts))
        return found

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.order, self.active, self.start


@dataclass(frozen=True)
class Weights:
    """Of one direction, float32: ih (G·H, F), hh (G·H, H), and both biases (G·H,) or none, of an LSTM's 4 or a GRU's 3 gates."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None

    @property
    def cell(self) -> int:
        """Its place in ``CELLS``."""
        return int(self.ih.shape[0] == 3 * self.hh.shape[1])


@dataclass(frozen=True)
class Kept:
    """What one direction wants to know on its way back."""

    job: _Job
    rows: Rows  # whose memory the job points to
    seen: Tensor
    gates: Tensor
    cells: Tensor


def forth(x: Tensor, w: Weights, rows: Rows, y: Tensor | None, at: int) -> tuple[Tensor, Tensor, Kept]:
    """(last state (B, H), last cell (B, H), a GRU's state again, both bfloat16, what :func:`back` wants).

    x: bfloat16 (T, B, F), contiguous. y: (T, B, D·H), of which the ``at``-th H are written, with zeros behind a row's end; None: nobody
    wants them. at: 0: from the first time on; 1: from a row's last backwards.
    """
    times, count, features = x.shape
    hidden = w.hh.shape[1]
    step = hidden if y is None else y.shape[2]
    job = _Job(w.cell, times, count, features, hidden, step, at, *(each.data_ptr() for each in rows.parts))
    seen, gates, cells = (_halves(_size(job, which)) for which in (_SEEN, _GATES, _CELLS))
    last, last_cell, room = _halves(count, hidden), _halves(count, hidden), _bytes(_size(job, _FORTH))
    _function("forth")(
        job, x.data_ptr(), w.ih.data_ptr(), w.hh.data_ptr(), _at(w.bias_ih), _at(w.bias_hh), _part(y, at * hidden), last.data_ptr(),
        last_cell.data_ptr(), seen.data_ptr(), gates.data_ptr(), cells.data_ptr(), room.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return last, last_cell, Kept(job, rows, seen, gates, cells)


def back(kept: Kept, w: Weights, slopes: Sequence[Tensor | None], gx: Tensor | None, *, add: bool) -> list[Tensor]:
    """Gradients of the weights, float32, in their order.

    slopes: those of y, last state and last cell, bfloat16 and contiguous; None: zero. gx: (T, B, F), written, or added to where
    ``add``; None: not wanted.
    """
    gy, g_last, g_cell = slopes
    job, at = kept.job, kept.job.reverse
    room = _bytes(_size(job, _BACK))
    found = [torch.empty_like(each) for each in (w.ih, w.hh, w.bias_ih, w.bias_hh) if each is not None]
    _function("back")(
        job, w.ih.data_ptr(), w.hh.data_ptr(), kept.seen.data_ptr(), kept.gates.data_ptr(), kept.cells.data_ptr(),
        _part(gy, at * job.hidden), _at(g_last), _at(g_cell), *(each.data_ptr() for each in found), *[None] * (4 - len(found)), _at(gx),
        add, room.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return found


def _size(job: _Job, which: int) -> int:
    return int(_function("size")(job, which))


def _halves(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu")


def _bytes(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8, device="cpu")


def _at(one: Tensor | None) -> int | None:
    return None if one is None else one.data_ptr()


def _part(one: Tensor | None, place: int) -> int | None:
    """Where its numbers of two bytes begin that are ``place`` after the first."""
    return None if one is None else one.data_ptr() + 2 * place
