"""A table of learnt vectors, one for each id."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.pages import large_pages


class Table(nn.Embedding):
    """``nn.Embedding`` for tables longer than any cache: the same vectors and gradients, its rows fetched ahead on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        if learning(self):
            found: Tensor = _Lookup.apply(self.weight, input)  # type: ignore[no-untyped-call]
            return found
        return super().forward(input)


def learning(table: nn.Embedding) -> bool:
    """Whether rows of a :class:`Table` are looked up to be learnt, and not for a graph of operations that goes elsewhere."""
    eager = not (torch.compiler.is_compiling() or torch.compiler.is_exporting())
    sparse = isinstance(table, Table) and table.sparse
    return eager and sparse and torch.is_grad_enabled() and table.weight.requires_grad


class _Lookup(torch.autograd.Function):
    """(weight (rows, D), ids int64 (…)) → (…, D); the gradient of the weight holds the batch's rows alone."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.shape = weight.shape
        return fetched(weight, ids)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (ids,) = ctx.saved_tensors
        values = gradient.reshape(-1, ctx.shape[1])
        place = ids.reshape(1, -1)
        return torch.sparse_coo_tensor(place, values, ctx.shape, check_invariants=False), None


def fetched(weight: Tensor, ids: Tensor) -> Tensor:
    """(…, D): rows of ``weight`` (rows, D) at int64 ``ids`` (…), fetched ahead by the native kernel or torch's for bags."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or ids.dtype != torch.int64 or not ids.numel():
        return torch.embedding(weight, ids)
    flat = ids.reshape(-1)
    if kernel.usable(weight) and kernel.within(flat, len(weight)):
        return kernel.fetch(weight, flat).reshape(*ids.shape, weight.shape[1])
    try:
        rows = torch.embedding_bag(weight, flat, torch.arange(len(flat)), False, 0, False, None, False)[0]
    except RuntimeError:  # an id beyond the table: said as everywhere
        return torch.embedding(weight, ids)
    return rows.reshape(*ids.shape, weight.shape[1])


def table(count: int, width: int, scale: float | None, sparse: bool) -> nn.Embedding:
    """An embedding (count, width), N(0, scale²) at the start, zeros for 0; None: N(0, 1).

    sparse: gradients hold the rows of the batch alone, for optimisers that touch no others (``rowwise-adagrad``, ``sparse-adam``).
    """
    weight = torch.empty(count, width)
    large_pages(weight)
    made = (Table if sparse else nn.Embedding)(count, width, _weight=nn.init.normal_(weight), sparse=sparse)
    if scale is not None:
        nn.init.normal_(made.weight, std=scale)
    elif width == 1:
        nn.init.zeros_(made.weight)
    return made
