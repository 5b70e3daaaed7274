"""The first and the last layer of a net over pairs of rows, as one operation each.

A layer over a user's and an item's vector is the sum of a user's and an item's part, so each part is worked out once and only the sum
is the pair's own. What is left to do for each pair waits for memory alone: by the native kernel the sum, the ReLU and dropout are one
pass, and their gradients another.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from danlu.nn.dropout import drop, kept, least
from danlu.nn.embedding.native import kernel, paired
from danlu.nn.embedding.rows import runs
from danlu.nn.native.plain import unwatched


def rectified(one: Tensor, other: Tensor, a: Tensor, b: Tensor, share: float = 0.0) -> Tensor:
    """relu(one[a] + other[b]) with a ``share`` of its values dropped, (*b.shape, H).

    one (N, H), other (M, H): float32 or both bfloat16; a int64 (B,), b int64 (B,) or (B, n): rows of them.
    """
    alike = one.dim() == other.dim() == 2 and one.shape[1] == other.shape[1]
    fit = (
        alike and a.dtype == b.dtype == torch.int64 and a.shape == b.shape[:1] and b.numel() > 0 and _native(one, other)
    )
    if fit and kernel.within(a, len(one)) and kernel.within(b, len(other)):
        found: Tensor = _Rectified.apply(one, other, a, b.reshape(-1), share)  # type: ignore[no-untyped-call]
        return found.reshape(*b.shape, one.shape[1])
    mine = torch.embedding(one, a)
    return drop(torch.relu((mine if b.dim() == 1 else mine[:, None]) + torch.embedding(other, b)), share)


def weighed(values: Tensor, weights: Tensor) -> Tensor:
    """Σ weights · relu(values) over the width, (…,) from (…, H) and (H,)."""
    fit = weights.is_cpu and weights.dtype == torch.float32 and weights.shape == values.shape[-1:]
    if fit and _native(values):
        found: Tensor = _Weighed.apply(values.reshape(-1, values.shape[-1]), weights.contiguous())  # type: ignore[no-untyped-call]
        return found.reshape(values.shape[:-1])
    return torch.relu(values) @ weights


def _native(*values: Tensor) -> bool:
    """Whether both pages are there, that of rows for what it says of ids, and read these values as they lie, while nobody looks."""
    eager = not (torch.compiler.is_compiling() or torch.compiler.is_exporting())
    return eager and unwatched() and paired.usable(*values) and kernel.missing() is None


class _Rectified(torch.autograd.Function):
    """(one (N, H), other (M, H), a (B,), b (B·n,), share) → (B·n, H)."""

    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, a: Tensor, b: Tensor, share: float) -> Tensor:
        words = kept(len(b) * one.shape[1]) if share > 0 else None
        floor, scale = least(share)
        found = paired.rectified(one, other, a, b, words, floor, scale)
        ctx.save_for_backward(a, b, found)
        ctx.sizes, ctx.scale = (len(one), len(other)), scale
        return found

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, slopes: Tensor) -> Any:
        a, b, values = ctx.saved_tensors
        slopes, found = slopes.contiguous(), []
        ways = zip((a, b), ctx.sizes, (len(b) // len(a), 1), ctx.needs_input_grad[:2], strict=True)
        for ids, rows, many, wanted in ways:
            made = paired.pulled(slopes, values, runs(ids), rows, many, ctx.scale) if wanted else None
            found.append(None if made is None else made.to(values.dtype))
        return *found, None, None, None


class _Weighed(torch.autograd.Function):
    """(values (n, H), weights (H,)) → float32 (n,)."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(values, weights)
        return paired.weighed(values, weights)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, slopes: Tensor) -> Any:
        values, weights = ctx.saved_tensors
        return paired.unweighed(values, weights, slopes.float().contiguous())
