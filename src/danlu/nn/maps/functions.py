"""Norm with activation, pooling and convolution as torch differentiates them, by the kernels.

Where a gradient is itself to be differentiated (``create_graph``), torch's operations work it out again.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from danlu.nn.maps import kernel, tiles

_TORCH = (lambda z: z, F.relu, F.silu)  # in the order of kernel.ACTIVATIONS


def _again(y: Tensor, inputs: tuple[Tensor, ...], g: Tensor) -> tuple[Tensor | None, ...]:
    wanted = [one for one in inputs if one.requires_grad]
    found = iter(torch.autograd.grad(y, wanted, g, create_graph=True))
    return tuple(next(found) if one.requires_grad else None for one in inputs)


class Norm(Function):
    """(x (B, C, H, W), weight (C,), bias (C,), running mean, running variance, eps, momentum, activation) → y (B, C, H, W)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        eps: float,
        momentum: float,
        by: int,
    ) -> Tensor:
        y, kept = kernel.norm(x, weight, bias, (mean, variance), eps, momentum, by)
        ctx.save_for_backward(x, weight, bias)
        ctx.kept, ctx.eps, ctx.by = kept, eps, by
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, bias = ctx.saved_tensors
        if torch.is_grad_enabled():
            y = _TORCH[ctx.by](F.batch_norm(x, None, None, weight, bias, True, 0.0, ctx.eps))
            return (*_again(y, (x, weight, bias), g), None, None, None, None, None)
        gx, gweight, gbias = kernel.norm_back(x, kernel.like(g, x), weight, ctx.kept, ctx.by)
        return gx, gweight, gbias, None, None, None, None, None


class Pool(Function):
    """(B, C, H, W) → (B, C, ⌊H / 2⌋, ⌊W / 2⌋): the greatest of 2 × 2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y, ctx.which = kernel.pool(x)
        ctx.shape, ctx.dtype = x.shape, x.dtype
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        if torch.is_grad_enabled():
            return _spread(g, ctx.which, ctx.shape)
        g = g.to(ctx.dtype).contiguous(memory_format=torch.channels_last)
        return kernel.pool_back(g, ctx.which, ctx.shape)


class Silu(Function):
    """x → x · sigmoid(x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return kernel.silu(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor | None:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _again(F.silu(x), (x,), g)[0]
        return kernel.silu_back(x, kernel.like(g, x))


class Mean(Function):
    """(B, C, H, W) → (B, C, ⌊H / 2⌋, ⌊W / 2⌋): the average of 2 × 2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.shape, ctx.dtype = x.shape, x.dtype
        return kernel.mean(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        if torch.is_grad_enabled():
            each = (g * 0.25).repeat_interleave(2, 2).repeat_interleave(2, 3)
            return F.pad(each, (0, ctx.shape[3] - each.shape[3], 0, ctx.shape[2] - each.shape[2]))
        return kernel.mean_back(g.to(ctx.dtype).contiguous(memory_format=torch.channels_last), ctx.shape)


def _spread(g: Tensor, which: Tensor, shape: torch.Size) -> Tensor:
    samples, channels, down, right = g.shape
    place = which.view(samples, down, right, channels).permute(0, 3, 1, 2)
    nothing = g.new_zeros(())
    parts = torch.stack([torch.where(place == corner, g, nothing) for corner in range(4)]).view(2, 2, *g.shape)
    even = parts.permute(2, 3, 4, 0, 5, 1).reshape(samples, channels, 2 * down, 2 * right)
    return F.pad(even, (0, shape[3] - 2 * right, 0, shape[2] - 2 * down))


class Convolution(Function):
    """(x (B, C, H, W) bfloat16, weight (O, C, K, K) float32, stride, padding, pooled) → (B, O, …) bfloat16.

    pooled: the greatest of every 2 × 2 comes out.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int, pooled: bool) -> Tensor:
        ctx.shape = _shape(x, weight, stride, padding)
        y, ctx.which, _ = tiles.convolve(x, weight, ctx.shape, pooled=pooled, sums=False)
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            z = _convolved(x, weight, ctx.shape)
            return (*_again(z if ctx.which is None else F.max_pool2d(z, 2), (x, weight), g), None, None, None)
        gx, gweight = _back(ctx, x, weight, tiles.Back(kernel.like(g, x), ctx.which))
        return gx, gweight, None, None, None


class Stage(Function):
    """Convolution, norm, activation and pooling at once.

    (x (B, C, H, W) bfloat16, kernel (O, C, K, K), stride, padding, weight (O,), bias (O,), running mean, running variance, eps,
    momentum, activation, pooled) → (B, O, …) bfloat16.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        filters: Tensor,
        stride: int,
        padding: int,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        eps: float,
        momentum: float,
        by: int,
        pooled: bool,
    ) -> Tensor:
        ctx.shape, ctx.eps, ctx.by = _shape(x, filters, stride, padding), eps, by
        z, _, parts = tiles.convolve(x, filters, ctx.shape, pooled=False, sums=True)
        assert parts is not None
        ctx.kept, ctx.which = tiles.settle(parts, ctx.shape, weight, bias, (mean, variance), eps, momentum), None
        if pooled:
            y, ctx.which = tiles.apply_pool(z, ctx.shape, ctx.kept, by)
        else:
            y = kernel.apply(z, ctx.kept, by)
        ctx.save_for_backward(x, filters, weight, bias, z)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, filters, weight, bias, z = ctx.saved_tensors
        if torch.is_grad_enabled():
            again = F.batch_norm(_convolved(x, filters, ctx.shape), None, None, weight, bias, True, 0.0, ctx.eps)
            y = _TORCH[ctx.by](again)
            found = _again(y if ctx.which is None else F.max_pool2d(y, 2), (x, filters, weight, bias), g)
            return (*found[:2], None, None, *found[2:], *[None] * 6)
        back = tiles.Back(kernel.like(g, x), ctx.which, z, ctx.kept, by=ctx.by)
        back, gweight, gbias = tiles.through_norm(back, ctx.shape, weight)
        gx, gfilters = _back(ctx, x, filters, back)
        return gx, gfilters, None, None, gweight, gbias, *[None] * 6


def _shape(x: Tensor, weight: Tensor, stride: int, padding: int) -> tiles.Shape:
    return tiles.shape(*x.shape, weight.shape[0], weight.shape[-1], stride, padding)  # type: ignore[arg-type]


def _convolved(x: Tensor, weight: Tensor, s: tiles.Shape) -> Tensor:
    return F.conv2d(x, weight.to(x.dtype), None, s.stride, s.padding)


def _back(ctx: Any, x: Tensor, weight: Tensor, back: tiles.Back) -> tuple[Tensor | None, Tensor]:
    gweight, gx = tiles.back(back, x, weight, ctx.shape, inner=ctx.needs_input_grad[0])
    return gx, gweight
