"""The compiled kernel as functions of tensors; whoever calls asks :func:`usable` first, and does without it else."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import NoKernelError, Source, library

SOURCE = Source(
    Path(__file__).with_name("rows.c"),
    flags=("-std=c11", "-fassociative-math", "-fno-signed-zeros"),  # NaN and infinity stay what they are
)
_INT, _REAL = ctypes.c_int64, ctypes.c_float


def _library() -> ctypes.CDLL | NoKernelError:
    return library(SOURCE)


def missing() -> NoKernelError | None:
    """Why there is no kernel on this machine; None: there is one. The first call may compile it."""
    found = _library()
    return found if isinstance(found, NoKernelError) else None


def usable(*tables: Tensor) -> bool:
    """Whether these are tables (rows, width) that the kernel reads and writes as they lie in memory."""
    return all(
        table.device.type == "cpu" and table.dtype == torch.float32 and table.is_contiguous() for table in tables
    ) and isinstance(_library(), ctypes.CDLL)


def within(ids: Tensor, rows: int) -> bool:
    """Whether all int64 ids are places of a table with so many rows. Must be asked of ids before any other function gets them."""
    return ids.is_contiguous() and bool(_call("danlu_within", _integers(ids), _INT(ids.numel()), _INT(rows)))


def fetch(table: Tensor, ids: Tensor) -> Tensor:
    """Rows (n, width) at ids (n,)."""
    found = table.new_empty(len(ids), table.shape[1])
    _call("danlu_fetch", _at(table), _integers(ids), _INT(len(ids)), _INT(table.shape[1]), _at(found))
    return found


def dots(one: Tensor, other: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """(n,): the products of rows ``a`` of one table with rows ``b`` of the other."""
    found = one.new_empty(len(a))
    width = _INT(one.shape[1])
    _call("danlu_dots", _at(one), _at(other), _integers(a), _integers(b), _INT(len(a)), width, _at(found))
    return found


def runs(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(distinct ids (m,), rising; the order (n,) that brings equal ones together; where each one's run begins in it (m,))."""
    count = len(ids)
    room = torch.empty(5, count, dtype=torch.int64)
    once, order, starts = room[0], room[1], room[2]
    many = _call("danlu_runs", _integers(ids), _INT(count), _at(once), _at(order), _at(starts), _at(room[3]))
    return once[:many], order, starts[:many]


def sums(values: Tensor, order: Tensor, starts: Tensor) -> Tensor:
    """(m, width): the rows of values (n, width) of each run, added."""
    values = values.contiguous()
    found = values.new_empty(len(starts), values.shape[1])
    sizes = _INT(len(starts)), _INT(len(order)), _INT(values.shape[1])
    _call("danlu_sums", _at(values), _at(order), _at(starts), *sizes, _at(found))
    return found


def weighted(table: Tensor, ids: Tensor, by: Tensor, order: Tensor, starts: Tensor) -> Tensor:
    """(m, width): Σ over each run of ``by`` (n,) times the table's rows at ids (n,)."""
    found = table.new_empty(len(starts), table.shape[1])
    sizes = _INT(len(starts)), _INT(len(order)), _INT(table.shape[1])
    by = by.contiguous()
    _call("danlu_weighted", _at(table), _integers(ids), _at(by), _at(order), _at(starts), *sizes, _at(found))
    return found


def adagrad(table: Tensor, total: Tensor, place: Tensor, slopes: Tensor, *, lr: float, eps: float, keep: float) -> None:
    """Move rows ``place`` (n,), each once, of a table against their slopes (n, width); total (rows,) grows."""
    slopes = slopes.contiguous()
    sizes = _INT(len(place)), _INT(slopes.numel() // max(1, len(place)))
    reals = _REAL(lr), _REAL(eps), _REAL(keep)
    _call("danlu_adagrad", _at(table), _at(total), _integers(place), _at(slopes), *sizes, *reals)


def adam(
    table: Tensor,
    mean: Tensor,
    second: Tensor,
    place: Tensor,
    slopes: Tensor,
    *,
    rate: float,
    eps: float,
    betas: tuple[float, float],
    keep: float,
) -> None:
    """The same with the moments (rows, width) of lazy Adam."""
    slopes = slopes.contiguous()
    sizes = _INT(len(place)), _INT(slopes.numel() // max(1, len(place)))
    reals = map(_REAL, (rate, eps, *betas, keep))
    _call("danlu_adam", _at(table), _at(mean), _at(second), _integers(place), _at(slopes), *sizes, *reals)


_GIVING = {"danlu_within": ctypes.c_int, "danlu_runs": _INT}


@cache
def _function(name: str) -> Any:
    found = getattr(_library(), name)
    found.restype = _GIVING.get(name)
    return found


def _call(name: str, *args: Any) -> Any:
    return _function(name)(*args)


def _at(memory: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(memory.data_ptr())


def _integers(ids: Tensor) -> ctypes.c_void_p:
    assert ids.dtype == torch.int64
    assert ids.is_contiguous()
    return _at(ids)
