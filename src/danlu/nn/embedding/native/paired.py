"""The compiled page for nets over pairs as functions of tensors; whoever calls asks :func:`usable` first, and does without it else."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import NoKernelError, Source, library

_NUMBERS = Path(__file__).parents[2] / "maps" / "numbers.h"
SOURCE = Source(Path(__file__).with_name("pairs.c"), (_NUMBERS,), threads=True)
_LANES = 16  # numbers at a time: widths are multiples of it
_KINDS = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "r": ctypes.c_float}
_TAKES = {  # arguments: p, memory; n, int64; r, float32
    "threaded": "",
    "rectified": "ppppnnnpnrpn",
    "pulled": "pppppnnnnrpn",
    "weighed": "ppnnpn",
    "unweighed": "pppnnppn",
}

Runs = tuple[Tensor, Tensor, Tensor]  # see :func:`danlu.nn.embedding.rows.runs`


def missing() -> NoKernelError | None:
    """Why there is no kernel on this machine; None: there is one. The first call may compile it."""
    found = library(SOURCE)
    return found if isinstance(found, NoKernelError) else None


def usable(*values: Tensor) -> bool:
    """Whether these are values (…, width) that the kernel reads as they lie in memory, and it is there for so many threads."""
    alike = all(
        each.is_cpu
        and each.dtype == values[0].dtype
        and each.dtype in (torch.float32, torch.bfloat16)
        and each.is_contiguous()
        and each.numel() > 0
        and each.shape[-1] % _LANES == 0
        for each in values
    )
    return alike and missing() is None and (torch.get_num_threads() == 1 or threaded())


def rectified(
    one: Tensor, other: Tensor, a: Tensor, b: Tensor, words: Tensor | None, least: int, scale: float
) -> Tensor:
    """scale · relu(one[a] + other[b]) as (n·many, width), of a (n,) and b (n·many,); 0 where int16 ``words`` are below ``least``."""
    found = one.new_empty(len(b), one.shape[1])
    sizes = len(a), len(b) // max(1, len(a)), one.shape[1]
    drawn = None if words is None else words.data_ptr(), least, scale
    _call("rectified", _at(one), _at(other), _at(a), _at(b), *sizes, *drawn, _at(found), _half(one))
    return found


def pulled(slopes: Tensor, values: Tensor, runs: Runs, rows: int, many: int, scale: float) -> Tensor:
    """The gradient (rows, width), float32, of one table of :func:`rectified` from the values that it gave and their slopes.

    runs: of the places that the table was asked for, ``many`` pairs with each.
    """
    once, order, starts = runs
    found = torch.zeros(rows, values.shape[1])
    memory = _at(slopes), _at(values), _at(once), _at(order), _at(starts)
    _call("pulled", *memory, len(once), len(order), many, values.shape[1], scale, _at(found), _half(values))
    return found


def weighed(values: Tensor, weights: Tensor) -> Tensor:
    """Σ weights · relu(values): float32 (n,) from values (n, width) and float32 weights (width,)."""
    found = torch.empty(len(values))
    _call("weighed", _at(values), _at(weights), *values.shape, _at(found), _half(values))
    return found


def unweighed(values: Tensor, weights: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of :func:`weighed`: of the values, in their dtype, and of the weights."""
    found, whole = torch.empty_like(values), torch.zeros_like(weights)
    _call("unweighed", _at(values), _at(weights), _at(slopes), *values.shape, _at(found), _at(whole), _half(values))
    return found, whole


@cache
def threaded() -> bool:
    """Whether it was compiled for more than one thread."""
    return bool(_call("threaded"))


@cache
def _function(name: str) -> Any:
    found = getattr(library(SOURCE), f"danlu_{name}")
    found.argtypes, found.restype = (
        [_KINDS[kind] for kind in _TAKES[name]],
        ctypes.c_int64 if name == "threaded" else None,
    )
    return found


def _call(name: str, *args: Any) -> Any:
    return _function(name)(*args)


def _at(values: Tensor) -> int:
    assert values.is_contiguous()
    return values.data_ptr()


def _half(values: Tensor) -> int:
    return int(values.dtype == torch.bfloat16)
