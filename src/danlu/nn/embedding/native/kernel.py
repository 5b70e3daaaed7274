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
    (Path(__file__).with_name("squared.h"),),
    version=2,
    flags=("-std=c11", "-fassociative-math", "-fno-signed-zeros"),  # NaN and infinity stay what they are
)
_AT, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_KINDS = {"p": _AT, "n": _INT, "r": _REAL}
_TAKES = {  # arguments: p, memory; n, int64; r, float32
    "danlu_within": "pnn",
    "danlu_fetch": "ppnnp",
    "danlu_scores": "ppppppnnnppp",
    "danlu_runs": "pnpppp",
    "danlu_sums": "pppnnnp",
    "danlu_slopes": "ppnpnpppppnnnpp",
    "danlu_adagrad": "ppppnnrrr",
    "danlu_adam": "pppppnnrrrrr",
    "danlu_squared_room": "nn",
    "danlu_squared": "pppppnnpp",
}
_GIVES = {
    "danlu_within": ctypes.c_int,
    "danlu_runs": _INT,
    "danlu_squared_room": _INT,
    "danlu_squared": ctypes.c_int,
}


@cache
def _library() -> ctypes.CDLL | NoKernelError:
    return library(SOURCE)


def missing() -> NoKernelError | None:
    """Why there is no kernel on this machine; None: there is one. The first call may compile it."""
    found = _library()
    return found if isinstance(found, NoKernelError) else None


def usable(*tables: Tensor) -> bool:
    """Whether these are tables (rows, width) that the kernel reads and writes as they lie in memory."""
    return all(
        table.is_cpu and table.dtype == torch.float32 and table.is_contiguous() for table in tables
    ) and isinstance(_library(), ctypes.CDLL)


def within(ids: Tensor, rows: int) -> bool:
    """Whether all int64 ids are places of a table with so many rows. Must be asked of ids before any other function gets them."""
    return ids.is_contiguous() and bool(call("danlu_within", integers(ids), ids.numel(), rows))


def fetch(table: Tensor, ids: Tensor) -> Tensor:
    """Rows (n, width) at ids (n,)."""
    found = table.new_empty(len(ids), table.shape[1])
    call("danlu_fetch", table.data_ptr(), integers(ids), len(ids), table.shape[1], found.data_ptr())
    return found


def scores(
    one: Tensor, other: Tensor, biases: tuple[Tensor, Tensor] | None, a: Tensor, b: Tensor, squares: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Products of rows ``a`` (n,) of one table with rows ``b`` (n,) or (n, many) of the other, in the shape of ``b``.

    biases: (rows, 1) of both, added. squares: also ‖row‖² of both, in the shapes of ``a`` and ``b``.
    """
    found = one.new_empty(b.shape)
    of_one, of_other = (one.new_empty(a.shape), one.new_empty(b.shape)) if squares else (None, None)
    own, its = (None, None) if biases is None else (biases[0].data_ptr(), biases[1].data_ptr())
    tables = one.data_ptr(), other.data_ptr(), own, its
    sizes = len(a), b.numel() // max(1, len(a)), one.shape[1]
    call("danlu_scores", *tables, integers(a), integers(b), *sizes, found.data_ptr(), _maybe(of_one), _maybe(of_other))
    return found, of_one, of_other


def runs(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(distinct ids (m,), rising; the order (n,) that brings equal ones together; where each one's run begins in it (m,))."""
    count = len(ids)
    room = torch.empty(5, count, dtype=torch.int64)
    once, order, starts = room[0], room[1], room[2]
    base, row = room.data_ptr(), 8 * count
    many = call("danlu_runs", integers(ids), count, base, base + row, base + 2 * row, base + 3 * row)
    return once[:many], order, starts[:many]


def sums(values: Tensor, order: Tensor, starts: Tensor) -> Tensor:
    """(m, width): the rows of values (n, width) of each run, added."""
    values = values.contiguous()
    found = values.new_empty(len(starts), values.shape[1])
    sizes = len(starts), len(order), values.shape[1]
    call("danlu_sums", values.data_ptr(), integers(order), integers(starts), *sizes, found.data_ptr())
    return found


def slopes(
    table: Tensor,
    other: Tensor,
    ids: Tensor,
    by: Tensor,
    pull: Tensor | None,
    runs: tuple[Tensor, Tensor, Tensor],
    many: int,
    share: int,
) -> tuple[Tensor, Tensor]:
    """The gradient (m, width) of ``table`` at the rows that ``runs`` found among n places, and of its biases, (m, 1).

    Each place met ``many`` rows of the other table: place i those at ids[p // share], times by[p], p from many·i on. pull (n,): times
    the table's own row; None: none.
    """
    once, order, starts = runs
    width = table.shape[1]
    found, whole = table.new_empty(len(once), width), table.new_empty(len(once), 1)
    met = other.data_ptr(), integers(ids), share, by.data_ptr(), many
    mine = table.data_ptr(), _maybe(pull), integers(once), integers(order), integers(starts)
    call("danlu_slopes", *met, *mine, len(once), len(order), width, found.data_ptr(), whole.data_ptr())
    return found, whole


def adagrad(table: Tensor, total: Tensor, place: Tensor, slopes: Tensor, *, lr: float, eps: float, keep: float) -> None:
    """Move rows ``place`` (n,), each once, of a table against their slopes (n, width); total (rows,) grows."""
    slopes = slopes.contiguous()
    memory = table.data_ptr(), total.data_ptr(), integers(place), slopes.data_ptr()
    call("danlu_adagrad", *memory, len(place), slopes.numel() // max(1, len(place)), lr, eps, keep)


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
    memory = table.data_ptr(), mean.data_ptr(), second.data_ptr(), integers(place), slopes.data_ptr()
    call("danlu_adam", *memory, len(place), slopes.numel() // max(1, len(place)), rate, eps, *betas, keep)


@cache
def _function(name: str) -> Any:
    found = getattr(_library(), name)
    found.restype, found.argtypes = _GIVES.get(name), [_KINDS[kind] for kind in _TAKES[name]]
    return found


def call(name: str, *args: Any) -> Any:
    """A function of the compiled page; :func:`usable` was asked before."""
    return _function(name)(*args)


def _maybe(memory: Tensor | None) -> int | None:
    return None if memory is None else memory.data_ptr()


def integers(ids: Tensor) -> int:
    """Where int64 ids lie."""
    assert ids.dtype == torch.int64
    assert ids.is_contiguous()
    return ids.data_ptr()
