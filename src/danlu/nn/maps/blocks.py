"""Residual blocks: all of one at once where every layer of it is known, else where its two ways meet."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.maps import tiles
from danlu.nn.maps.convolutions import shape_for, shape_of, square
from danlu.nn.maps.functions import Join
from danlu.nn.maps.pieces import ACTIVATIONS, averages, moved, simple, worth
from danlu.nn.maps.stages import How, Residual, Ways
from danlu.nn.native.lent import unseen
from danlu.nn.residual import DropPath

_NORMED = [nn.Conv2d, nn.BatchNorm2d]


def block(part: Any, x: Tensor) -> Tensor:
    """A residual block: at once where all of it can be, else its ways by themselves, and where they meet."""
    by = ACTIVATIONS.get(type(part.activation))
    if getattr(part.activation, "inplace", False) or not unseen(part.activation):
        by = None
    if by and (found := _ways(part, x, by)) is not None:
        ways, learnt = found
        return Residual.apply(x, ways, *learnt)  # type: ignore[no-any-return, no-untyped-call]
    skip, branch = part.skip(x), part.drop_path(part.branch(x))
    if not (by and skip.shape == branch.shape and skip.dtype == branch.dtype and worth(skip) and worth(branch)):
        out: Tensor = part.activation(skip + branch)
        return out
    return Join.apply(skip, branch, by)[0]  # type: ignore[no-any-return, no-untyped-call]


def _ways(part: Any, x: Tensor, by: int) -> tuple[Ways, list[Tensor]] | None:
    """(a block's ways, what is learnt on them); None: not all of it is what the kernels know, or somebody looks into it."""
    branch, skip, drop = part.branch, part.skip, part.drop_path
    if (
        type(branch) is not nn.Sequential
        or len(branch) != 5
        or type(drop) is not DropPath
        or (drop.training and drop.rate)
    ):
        return None
    layers: list[Any] = list(branch)
    types = [type(layer) for layer in layers]
    if types[:2] != _NORMED or types[2] not in ACTIVATIONS or types[3:] != _NORMED:
        return None
    beside: list[Any] = [] if type(skip) is nn.Identity else list(skip) if type(skip) is nn.Sequential else [skip]
    if beside and ([type(layer) for layer in beside[1:]] != _NORMED or not _before(beside[0])):
        return None
    if not unseen(branch, skip, drop, *layers, *beside):
        return None
    halved = bool(beside) and type(beside[0]) is nn.AvgPool2d
    pairs = [(layers[0], layers[1]), (layers[3], layers[4]), *([beside[1:]] if beside else [])]
    if not worth(x) or x.dtype != torch.bfloat16 or not all(square(c) and simple(n, c.out_channels) for c, n in pairs):
        return None
    shapes = _shapes([convolution for convolution, _ in pairs], x, beside[0] if halved else None)
    if shapes is None:
        return None
    told = [moved(norm) for _, norm in pairs]
    how = [How(t[2], t[3], t[4], t[5], a) for t, a in zip(told, (ACTIVATIONS[types[2]], 0, 0), strict=False)]
    each = list(zip(shapes, how, strict=True))
    learnt = [one for (c, _), t in zip(pairs, told, strict=True) for one in (c.weight, *t[:2])]
    mean = bool(beside[0].ceil_mode) if halved else None
    return Ways((each[0], each[1]), each[2] if beside else None, mean, by), learnt


def _shapes(convolutions: list[Any], x: Tensor, pool: nn.AvgPool2d | None) -> list[tiles.Shape] | None:
    """Of a block's two convolutions and of its skip's, where it has one; None: no work for the tiles, or the ways don't meet."""
    first = shape_for(convolutions[0], x)
    if first is None or min(*x.shape[2:], *first.out) < 2:
        return None
    samples, channels, *sides = x.shape
    at = sides if pool is None else [(side + bool(pool.ceil_mode)) // 2 for side in sides]
    seen = ((samples, first.outputs, *first.out), (samples, channels, *at))
    found = [shape_of(*given) for given in zip(convolutions[1:], seen, strict=False)]
    made = [s for s in found if s is not None and min(s.out) > 1]
    ends = {(s.outputs, *s.out) for s in made} | ({(channels, *sides)} if pool is None and len(found) == 1 else set())
    return [first, *made] if len(made) == len(found) and len(ends) == 1 else None


def _before(part: Any) -> bool:
    """Whether it may stand before the convolution of a skip."""
    return type(part) is nn.Identity or (type(part) is nn.AvgPool2d and averages(part))
