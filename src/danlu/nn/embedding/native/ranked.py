"""All items ranked by a net over pairs: the compiled page for processors with tiles (Intel AMX) as a function of tensors."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danlu.nn.native.building import TURN, NoKernelError, Source, library

_NN = Path(__file__).parents[2]
SOURCE = Source(
    Path(__file__).with_name("ranked.c"),
    (_NN / "maps" / "numbers.h", _NN / "recurrent" / "products.h", TURN),
    threads=True,
)
_BLOCK, _WIDEST = 32, 512


@cache
def missing() -> NoKernelError | None:
    """Why there are no tiles on this machine, or no way to them; None: there are. The first call may compile."""
    if not (torch.cpu._is_amx_tile_supported() and torch.cpu._init_amx()):
        return NoKernelError("system", "no AMX")
    found = library(SOURCE)
    return found if isinstance(found, NoKernelError) else None


def usable(one: Tensor, other: Tensor, weight: Tensor) -> bool:
    """Whether bfloat16 (n, H) and (m, H) on a CPU and a layer's weight (K, H) are what :func:`ranked` takes."""
    high, width = weight.shape
    fit = all(each.is_cpu and each.dtype == torch.bfloat16 and each.numel() > 0 for each in (one, other))
    fit = fit and weight.is_cpu and width <= _WIDEST and not width % _BLOCK and not high % _BLOCK
    return fit and missing() is None and (torch.get_num_threads() == 1 or _threaded())


def ranked(one: Tensor, other: Tensor, weight: Tensor, bias: Tensor, head: Tensor) -> Tensor:
    """Σ head · relu(weight · relu(one[i] + other[j]) + bias): float32 (n, m). Nothing is learnt by it.

    one (n, H), other (m, H): bfloat16; weight (K, H), which is rounded to it; bias (K,), head (K,): float32.
    """
    high, width = weight.shape
    packed = weight.to(torch.bfloat16).view(high // 16, 16, width // 32, 16, 2).permute(0, 2, 3, 1, 4).contiguous()
    given = [each.contiguous() for each in (one, other, packed, bias.float(), head.float())]
    found = torch.empty(len(one), len(other))
    sizes = len(one), len(other), width, high
    _function("ranked")(*(each.data_ptr() for each in given), *sizes, found.data_ptr())
    return found


@cache
def _threaded() -> bool:
    return bool(_function("threaded")())


@cache
def _function(name: str) -> Any:
    found = getattr(library(SOURCE), f"danlu_{name}")
    at, int_ = ctypes.c_void_p, ctypes.c_int64
    found.argtypes = [*[at] * 5, *[int_] * 4, at] if name == "ranked" else []
    found.restype = None if name == "ranked" else int_
    return found
