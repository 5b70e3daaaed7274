"""Convolutions by the tiles, with what is behind them, up to a whole residual block, as torch differentiates them.

Where a gradient is itself to be differentiated (``create_graph``), torch's operations work it out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from danlu.nn.maps import kernel, tiles
from danlu.nn.maps.functions import TORCH, again


class Convolution(Function):
    """(x (B, C, H, W) bfloat16, weight (O, C, K, K) float32, its shape, pooled) → (B, O, …) bfloat16.

    pooled: the greatest of every 2 × 2 comes out.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, s: tiles.Shape, pooled: bool) -> Tensor:
        y, ctx.passed = tiles.forward(x, weight, s, None, pooled=pooled)
        ctx.shape = s
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *again(partial(_convolved, ctx.shape, ctx.passed.which is not None), (x, weight), g), None, None
        inner = ctx.needs_input_grad[0]
        found = tiles.backward(kernel.like(g, x), ctx.passed, x, weight, ctx.shape, None, inner=inner)
        return found.x, found.filters, None, None


class How(NamedTuple):
    """What is done behind a convolution: a batch norm by its running mean and variance, eps and momentum, an activation by its place in
    ``kernel.ACTIVATIONS``, and whether the greatest of every 2 × 2 comes out.
    """

    mean: Tensor
    variance: Tensor
    eps: float
    momentum: float
    by: int
    pooled: bool = False


class Staged(NamedTuple):
    """What a stage keeps for its way back: its input, what is learnt and what the norm was given; and the rest."""

    tensors: tuple[Tensor, ...]  # x, filters, weight, bias, z
    passed: tiles.Passed  # without z
    shape: tiles.Shape
    how: How

    def back(self, g: Tensor, *, inner: bool) -> tuple[Tensor | None, ...]:
        """Gradients of x, where ``inner``, of filters, weight and bias, from that of what came out."""
        x, filters, weight, _, z = self.tensors
        passed, norm = self.passed._replace(z=z), (weight, self.how.by)
        found = tiles.backward(kernel.like(g, x), passed, x, filters, self.shape, norm, inner=inner)
        return found.x, found.filters, found.weight, found.bias

    def as_torch(self, x: Tensor, filters: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """What comes out, by torch's operations."""
        z = _convolved(self.shape, False, x, filters)
        normed = F.batch_norm(z, None, None, weight, bias, True, 0.0, self.how.eps)
        y = TORCH[self.how.by](normed)
        return y if self.passed.which is None else F.max_pool2d(y, 2)


def _staged(x: Tensor, learnt: Sequence[Tensor], s: tiles.Shape, how: How) -> tuple[Tensor, Staged]:
    filters, weight, bias = learnt
    norm = tiles.Normed(weight, bias, *how[:-1])
    y, passed = tiles.forward(x, filters, s, norm, pooled=how.pooled)
    assert passed.z is not None
    return y, Staged((x, filters, weight, bias, passed.z), passed._replace(z=None), s, how)


class Stage(Function):
    """Convolution, norm, activation and pooling at once.

    (x (B, C, H, W) bfloat16, kernel (O, C, K, K), weight (O,), bias (O,), the convolution's shape, how) → (B, O, …) bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor, weight: Tensor, bias: Tensor, s: tiles.Shape, how: How) -> Tensor:
        y, staged = _staged(x, (filters, weight, bias), s, how)
        ctx.save_for_backward(*staged.tensors)
        ctx.staged = staged._replace(tensors=())
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        staged = ctx.staged._replace(tensors=ctx.saved_tensors)
        if torch.is_grad_enabled():
            return *again(staged.as_torch, ctx.saved_tensors[:4], g), None, None
        return *staged.back(g, inner=ctx.needs_input_grad[0]), None, None


class Ways(NamedTuple):
    """The two ways of a residual block. branch: shapes of its convolutions and what is behind each. skip: the same of its own, None
    where the input itself is added. mean: whether what is left over counts in the averages of 2 × 2 before it, None where there are
    none. by: the activation where both meet.
    """

    branch: tuple[tuple[tiles.Shape, How], tuple[tiles.Shape, How]]
    skip: tuple[tiles.Shape, How] | None
    mean: bool | None
    by: int


class Residual(Function):
    """A residual block at once: (x (B, C, H, W) bfloat16, its ways, kernel, weight and bias of each convolution and its norm, those of
    the branch first) → (B, O, …) bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, ways: Ways, *learnt: Tensor) -> Tensor:
        inner, first = _staged(x, learnt[:3], *ways.branch[0])
        branch, second = _staged(inner, learnt[3:6], *ways.branch[1])
        skip, seen, stages = x, x, [first, second]
        if ways.skip is not None:
            seen = x if ways.mean is None else kernel.mean(x, ways.mean)
            skip, third = _staged(seen, learnt[6:], *ways.skip)
            stages.append(third)
        y, total = kernel.join(skip, branch, ways.by)
        zs = [stage.tensors[4] for stage in stages]
        ctx.save_for_backward(x, inner, seen, y if total is None else total, *zs, *learnt)
        ctx.ways, ctx.stages = ways, [stage._replace(tensors=()) for stage in stages]
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (x, inner, seen, known), rest = ctx.saved_tensors[:4], ctx.saved_tensors[4:]
        zs, learnt = rest[: len(ctx.stages)], rest[len(ctx.stages) :]
        if torch.is_grad_enabled():
            found = again(partial(_block, ctx.ways, ctx.stages), (x, *learnt), g)
            return found[0], None, *found[1:]
        first, second, *third = (
            stage._replace(tensors=(at, *learnt[3 * place : 3 * place + 3], z))
            for place, (stage, at, z) in enumerate(zip(ctx.stages, (x, inner, seen), zs, strict=False))
        )
        wanted = ctx.needs_input_grad[0]
        g = kernel.activation_back(known, kernel.like(g, known), ctx.ways.by)
        middle, *of_second = second.back(g, inner=True)
        gx, *of_first = first.back(middle, inner=wanted)
        of_third, gskip = [], g
        if third:
            gskip, *of_third = third[0].back(g, inner=wanted)
            if wanted and ctx.ways.mean is not None:
                gskip = kernel.mean_back(gskip, x.shape, ctx.ways.mean)
        return gx.add_(gskip) if wanted else None, None, *of_first, *of_second, *of_third


def _block(ways: Ways, stages: Sequence[Staged], x: Tensor, *learnt: Tensor) -> Tensor:
    """What comes out of a residual block, by torch's operations."""
    branch = stages[1].as_torch(stages[0].as_torch(x, *learnt[:3]), *learnt[3:6])
    skip = x
    if ways.skip is not None:
        seen = x if ways.mean is None else F.avg_pool2d(x, 2, ceil_mode=ways.mean)
        skip = stages[2].as_torch(seen, *learnt[6:])
    return TORCH[ways.by](skip + branch)


def _convolved(s: tiles.Shape, pooled: bool, x: Tensor, weight: Tensor) -> Tensor:
    y = F.conv2d(x, weight.to(x.dtype), None, s.stride, s.padding)
    return F.max_pool2d(y, 2) if pooled else y
