"""Products of the rows of two tables, as matrix factorisation wants them: with the native kernel no row is copied to be multiplied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.table import learning


def products(one: nn.Embedding, other: nn.Embedding, a: Tensor, b: Tensor) -> Tensor:
    """(B,): Σ over the width of one(a) · other(b), ids int64 (B,), (B,). Gradients are those of the two tables."""
    alike = a.dim() == 1 and a.shape == b.shape and a.dtype == b.dtype == torch.int64
    alike = alike and one.weight.shape[1] == other.weight.shape[1] and a.device.type == b.device.type == "cpu"
    if alike and learning(one) and learning(other) and one is not other and kernel.usable(one.weight, other.weight):
        a, b = a.contiguous(), b.contiguous()
        if kernel.within(a, len(one.weight)) and kernel.within(b, len(other.weight)):
            found: Tensor = _Products.apply(one.weight, other.weight, a, b)  # type: ignore[no-untyped-call]
            return found
    summed: Tensor = (one(a) * other(b)).sum(1)
    return summed


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(one, other, a, b)
        return kernel.dots(one, other, a, b)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None, None]:
        one, other, a, b = ctx.saved_tensors
        return _rows(one, a, other, b, slope), _rows(other, b, one, a, slope), None, None


def _rows(table: Tensor, ids: Tensor, other: Tensor, beside: Tensor, slope: Tensor) -> Tensor:
    """The gradient of ``table``, each row once."""
    once, order, starts = kernel.runs(ids)
    values = kernel.weighted(other, beside, slope, order, starts)
    return torch.sparse_coo_tensor(once[None], values, table.shape, is_coalesced=True, check_invariants=False)
