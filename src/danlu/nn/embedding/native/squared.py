"""One step of matrix factorisation on squared errors, by the compiled page: see squared.h."""

from __future__ import annotations

import ctypes

from torch import Tensor

from danlu.nn.embedding.native import kernel

_AT, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
WIDEST = 1024  # numbers in a row, as squared.h has it
LONGEST = 1e4  # of rows and biases: what squared.h takes ratings for


class Side(ctypes.Structure):
    """A table with its biases and what row-wise Adagrad remembers, as squared.h has it."""

    _fields_ = (
        *((name, _AT) for name in ("table", "total", "bias", "bias_total")),
        ("rows", _INT),
        *((name, _REAL) for name in ("lr", "eps", "keep", "bias_lr", "bias_eps", "bias_keep")),
    )


class Squares(ctypes.Structure):
    """The numbers of an error, as squared.h has them."""

    _fields_ = tuple((name, _REAL) for name in ("shift", "scale", "offset", "slope", "pull"))


class Found(ctypes.Structure):
    """What a step found, as squared.h has it."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("errors", "lengths", "slopes")),
        ("norms", ctypes.c_double * 4),
    )


def squared(
    sides: ctypes.Array[Side], of: Squares, a: Tensor, b: Tensor, ratings: Tensor, width: int, room: Tensor
) -> Found | None:
    """One step on float32 ratings (n,) of ids a and b (n,); None: nothing was done, for what squared.h says. room: bytes, uint8."""
    found = Found()
    memory = (
        ctypes.addressof(sides),
        ctypes.addressof(of),
        kernel.integers(a),
        kernel.integers(b),
        ratings.data_ptr(),
        len(a),
    )
    done = kernel.call("danlu_squared", *memory, width, room.data_ptr(), ctypes.addressof(found))
    return found if done else None


def squared_room(count: int, width: int) -> int:
    """Bytes of memory for :func:`squared` of so many ratings."""
    return int(kernel.call("danlu_squared_room", count, width))
