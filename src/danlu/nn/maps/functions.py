"""Norm with activation, pooling and convolution as torch differentiates them, by the kernel.

Where a gradient is itself to be differentiated (``create_graph``), torch's operations work it out again.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from danlu.nn.maps import kernel

_TORCH = (lambda z: z, F.relu, F.silu)  # in the order of kernel.ACTIVATIONS
_MOST = 1 << 24  # numbers of what a convolution sees that are laid out at a time


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


def _spread(g: Tensor, which: Tensor, shape: torch.Size) -> Tensor:
    samples, channels, down, right = g.shape
    place = which.view(samples, down, right, channels).permute(0, 3, 1, 2)
    nothing = g.new_zeros(())
    parts = torch.stack([torch.where(place == corner, g, nothing) for corner in range(4)]).view(2, 2, *g.shape)
    even = parts.permute(2, 3, 4, 0, 5, 1).reshape(samples, channels, 2 * down, 2 * right)
    return F.pad(even, (0, shape[3] - 2 * right, 0, shape[2] - 2 * down))


class Convolution(Function):
    """(x (B, C, H, W) bfloat16, weight (O, C, K, K) float32, stride, padding) → (B, O, …) bfloat16.

    The gradient of the weight is a matrix product of what every position sees and its gradient. For maps of a few positions a side
    that is faster than oneDNN's, which takes rows of a map as one side of the processor's tiles, and leaves them almost empty.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        half = weight.to(x.dtype)
        ctx.save_for_backward(x, weight, half)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, half, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, half = ctx.saved_tensors
        stride, padding = ctx.stride, ctx.padding
        if torch.is_grad_enabled():
            return (*_again(F.conv2d(x, weight.to(x.dtype), None, stride, padding), (x, weight), g), None, None)
        g, gx, gweight = kernel.like(g, x), None, None
        if ctx.needs_input_grad[0]:
            sides = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1
            gx = torch.ops.aten.convolution_backward(g, x, half, None, *sides, [True, False, False])[0]
        if ctx.needs_input_grad[1]:
            gweight = _filters(x, g, weight, stride, padding)
        return gx, gweight, None, None


def _filters(x: Tensor, g: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The gradient of the weight, float32; added up over as many samples at a time as memory should hold."""
    out, channels, size, _ = weight.shape
    down, right = g.shape[2:]
    at_once = max(1, _MOST // (down * right * size * size * channels))
    found: Tensor | None = None
    for few, theirs in zip(torch.split(x, at_once), torch.split(g, at_once), strict=True):
        rows = theirs.permute(0, 2, 3, 1).reshape(-1, out)
        part = (rows.t() @ kernel.seen(few, (down, right), size, stride, padding)).float()
        found = part if found is None else found.add_(part)
    assert found is not None
    return found.view(out, size, size, channels).permute(0, 3, 1, 2)
