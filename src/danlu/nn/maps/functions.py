"""Norm with activation, pooling and what else goes over maps, as torch differentiates it, by the kernel.

Where a gradient is itself to be differentiated (``create_graph``), torch's operations work it out again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from danlu.nn.maps import kernel

TORCH = (lambda z: z, F.relu, F.silu)  # in the order of kernel.ACTIVATIONS


def again(work: Callable[..., Tensor], inputs: Sequence[Tensor], g: Tensor) -> tuple[Tensor | None, ...]:
    """Gradients, to be differentiated themselves, of what ``work`` is given, from that of what it gives.

    Each is given as a tensor of its own, so that no way but through ``work`` leads to it: where a layer is passed twice, one input may
    have come from another, or be it.
    """
    given = [one.view_as(one) for one in inputs]
    wanted = [one for one in given if one.requires_grad]
    found = iter(torch.autograd.grad(work(*given), wanted, g, create_graph=True))
    return tuple(next(found) if one.requires_grad else None for one in given)


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
            return (*again(partial(_normed, ctx.eps, ctx.by), (x, weight, bias), g), None, None, None, None, None)
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
            return again(F.silu, (x,), g)[0]
        return kernel.activation_back(x, kernel.like(g, x), 2)


class Join(Function):
    """(a, b (B, C, H, W), activation 1 or 2) → (activation(a + b), a + b where its slope needs it): where two ways of a block meet.

    The sum is an answer too, so that what is differentiated twice can go through it.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, by: int) -> tuple[Tensor, Tensor | None]:
        ctx.by = by
        ctx.set_materialize_grads(False)
        y, total = kernel.join(a, b, by)
        ctx.save_for_backward(y if total is None else total)
        return y, total

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, more: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (known,) = ctx.saved_tensors
        gx = None
        if g is not None and torch.is_grad_enabled():
            gx = again(TORCH[ctx.by], (known,), g)[0]
        elif g is not None:
            gx = kernel.activation_back(known, kernel.like(g, known), ctx.by)
        if more is not None:
            gx = more if gx is None else gx + more
        return gx, gx, None


class Mean(Function):
    """(x (B, C, H, W), whether what is left over counts) → (B, C, H / 2, W / 2): the average of 2 × 2, sides rounded down, or up."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ceil: bool) -> Tensor:
        ctx.shape, ctx.dtype, ctx.ceil = x.shape, x.dtype, ceil
        return kernel.mean(x, ceil)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        if torch.is_grad_enabled():
            x = torch.zeros(ctx.shape, dtype=g.dtype, device=g.device, requires_grad=True)
            return torch.autograd.grad(F.avg_pool2d(x, 2, ceil_mode=ctx.ceil), x, g, create_graph=True)[0], None
        g = g.to(ctx.dtype).contiguous(memory_format=torch.channels_last)
        return kernel.mean_back(g, ctx.shape, ctx.ceil), None


class Ends(Function):
    """(B, C, H, W) → (B, 2C): the average of each channel, and behind them the greatest of each."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = kernel.ends(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor | None:  # type: ignore[override]
        x, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            return again(_ended, (x,), g)[0]
        return kernel.ends_back(x, y, g.to(x.dtype).contiguous())


def _normed(eps: float, by: int, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return TORCH[by](F.batch_norm(x, None, None, weight, bias, True, 0.0, eps))


def _ended(x: Tensor) -> Tensor:
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


def _spread(g: Tensor, which: Tensor, shape: torch.Size) -> Tensor:
    samples, channels, down, right = g.shape
    place = which.view(samples, down, right, channels).permute(0, 3, 1, 2)
    nothing = g.new_zeros(())
    parts = torch.stack([torch.where(place == corner, g, nothing) for corner in range(4)]).view(2, 2, *g.shape)
    even = parts.permute(2, 3, 4, 0, 5, 1).reshape(samples, channels, 2 * down, 2 * right)
    return F.pad(even, (0, shape[3] - 2 * right, 0, shape[2] - 2 * down))
