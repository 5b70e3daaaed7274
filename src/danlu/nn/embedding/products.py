"""Products of the rows of two tables, as matrix factorisation wants them, with what is asked of the same rows beside them.

Scores, biases and squared lengths are one operation: a step sorts its ids once, and each table gets one gradient in which every row
comes once. With the native kernel no row is copied to be multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.rows import Runs, runs, sparse_rows
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import fetched, learning
from danlu.nn.native.plain import unwatched


def scored(
    one: nn.Embedding,
    other: nn.Embedding,
    a: Tensor,
    b: Tensor,
    biases: tuple[nn.Embedding, nn.Embedding] | None = None,
    lengths: bool = False,
    drop: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """(scores,): Σ over the width of one(a) · other(b) for ids int64 a (B,) and b (B,) or (B, n), in the shape of b.

    biases: tables (rows, 1) of both, which are added. lengths: after the scores ‖row‖² of what was looked up, in the shapes of a and b.
    drop: what becomes of rows before they are multiplied.
    """
    tables = [one, other, *(biases or ())]
    if drop is None and _plain(tables, a, b):
        native = kernel.usable(*(table.weight for table in tables))
        a, b = a.contiguous(), b.contiguous()
        if not native or (kernel.within(a, len(one.weight)) and kernel.within(b, len(other.weight))):
            own, its = (None, None) if biases is None else (biases[0].weight, biases[1].weight)
            weights, sparse = (one.weight, other.weight, own, its), (one.sparse, other.sparse)
            found: tuple[Tensor, ...] = _Scores.apply(*weights, a, b, lengths, native, sparse)  # type: ignore[no-untyped-call]
            return found
    x, y = (one(a), other(b)) if drop is None else (drop(one(a)), drop(other(b)))
    scores = (x * y).sum(1) if b.dim() == 1 else (y * x[:, None]).sum(-1)  # both ways in half the time of bmm
    if biases is not None:
        beside = biases[0](a)
        scores = scores + (beside[:, 0] if b.dim() == 1 else beside) + biases[1](b)[..., 0]
    return (scores, squares(one, a), squares(other, b)) if lengths else (scores,)


def multiplied(one: Tensor, other: Tensor | nn.Embedding, a: Tensor, b: Tensor) -> Tensor:
    """Σ over the width of one[a] · other[b], in the shape of b (B,) or (B, n); ids a (B,).

    one (N, D): rows that were worked out; other (M, D): such rows too, or a table of them.
    """
    a, b = a.contiguous(), b.contiguous()
    table = other if isinstance(other, nn.Embedding) else None
    rows = other if isinstance(other, Tensor) else other.weight
    learnt = _learnt(table) if table is not None else _eager() and (one.requires_grad or rows.requires_grad)
    fit = learnt and _alike([one, rows], a, b) and kernel.usable(one, rows)
    if fit and kernel.within(a, len(one)) and kernel.within(b, len(rows)):
        sparse = (False, table is not None and table.sparse)
        found: Tensor = _Scores.apply(one, rows, None, None, a, b, False, True, sparse)[0]  # type: ignore[no-untyped-call]
    else:
        x, y = torch.embedding(one, a), torch.embedding(rows, b) if table is None else table(b)
        found = (x * y).sum(1) if b.dim() == 1 else (y * x[:, None]).sum(-1)
    return found


def _plain(tables: list[nn.Embedding], a: Tensor, b: Tensor) -> bool:
    """Whether the rows are to be learnt on a CPU, and lie there as the operation takes them."""
    if not all(
        _learnt(table) for table in tables
    ):  # asked first: a graph that is exported may have batches of any size
        return False
    if len({id(table) for table in tables}) < len(tables) or len({table.sparse for table in tables}) > 1:
        return False
    weights = [table.weight for table in tables]
    return _alike(weights, a, b) and (tables[0].sparse or kernel.usable(*weights))


def _learnt(table: nn.Embedding) -> bool:
    """Whether a table's rows are to be learnt here: sparse ones in either way, dense ones where the native kernel gains by it."""
    if type(table) is not nn.Embedding:
        return learning(table)
    plain = table.padding_idx is None and table.max_norm is None and not table.scale_grad_by_freq and not table.sparse
    return _eager() and plain and table.weight.requires_grad


def _eager() -> bool:
    """Whether something is learnt now, operation by operation, and nobody looks at these or transforms them."""
    eager = not (torch.compiler.is_compiling() or torch.compiler.is_exporting())
    return eager and torch.is_grad_enabled() and unwatched()


def _alike(weights: list[Tensor], a: Tensor, b: Tensor) -> bool:
    """Whether float32 weights and ids lie on a CPU as the operation takes them."""
    alike = a.dim() == 1 and b.dim() in (1, 2) and len(a) == len(b) and b.numel() > 0
    alike = alike and a.is_cpu and b.is_cpu and a.dtype == b.dtype == torch.int64
    alike = alike and all(weight.is_cpu and weight.dtype == torch.float32 for weight in weights)
    return alike and weights[0].shape[1] == weights[1].shape[1]


class _Scores(torch.autograd.Function):
    """Tables (rows, D), (rows', D), biases (rows, 1), (rows', 1) or None, ids → scores and, with ``lengths``, both squared lengths."""

    @staticmethod
    def forward(
        ctx: Any,
        one: Tensor,
        other: Tensor,
        own: Tensor | None,
        its: Tensor | None,
        a: Tensor,
        b: Tensor,
        lengths: bool,
        native: bool,
        sparse: tuple[bool, bool],
    ) -> tuple[Tensor | None, ...]:
        ctx.set_materialize_grads(False)
        ctx.shapes, ctx.native, ctx.biased, ctx.sparse = (one.shape, other.shape), native, own is not None, sparse
        if native:
            biases = None if own is None or its is None else (own, its)
            found, of_one, of_other = kernel.scores(one, other, biases, a, b, lengths)
            ctx.save_for_backward(a, b, one, other)
            return (found, of_one, of_other) if lengths else (found,)
        x, y = fetched(one, a), fetched(other, b)
        ctx.save_for_backward(a, b, x, y)
        found = torch.linalg.vecdot(x if b.dim() == 1 else x[:, None], y)
        if own is not None and its is not None:
            beside = own[a]
            found = found.add_(beside[:, 0] if b.dim() == 1 else beside).add_(its[b][..., 0])
        return (found, x.square().sum(-1), y.square().sum(-1)) if lengths else (found,)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, slope: Tensor | None, of_one: Tensor | None = None, of_other: Tensor | None = None) -> Any:
        a, b, x, y = ctx.saved_tensors
        by = torch.zeros(b.numel()) if slope is None else slope.reshape(-1).contiguous()
        pulls = (None if pull is None else pull.reshape(-1) * 2.0 for pull in (of_one, of_other))
        b, many = b.view(-1), b.numel() // len(a)
        both = (runs(a), runs(b)), ((x, y, b, many, 1), (y, x, a, 1, many))
        gradients, beside = [], []
        for met, (mine, others, ids, each, share), pull, shape, sparse in zip(
            *both, pulls, ctx.shapes, ctx.sparse, strict=True
        ):
            if ctx.native:
                values, whole = kernel.slopes(mine, others, ids, by, pull, met, each, share)
            else:
                values, whole = _slopes(mine.view(-1, shape[1]), others.view(-1, shape[1]), by, pull, met, each, share)
            gradients.append(_gradient(met[0], values, shape, sparse))
            beside.append(_gradient(met[0], whole, (shape[0], 1), sparse) if ctx.biased else None)
        return *gradients, *beside, None, None, None, None, None


def _gradient(place: Tensor, values: Tensor, shape: tuple[int, ...], sparse: bool) -> Tensor:
    """``values`` (m, …) at the rows ``place`` (m,), each once and rising, of a gradient of ``shape``."""
    return sparse_rows(place, values, shape) if sparse else values.new_zeros(shape).index_copy_(0, place, values)


def _slopes(
    mine: Tensor, others: Tensor, by: Tensor, pull: Tensor | None, met: Runs, many: int, share: int
) -> tuple[Tensor, Tensor]:
    """:func:`kernel.slopes` in torch's operations, from the rows (n, D) and (n', D) that were looked up."""
    _, order, starts = met
    terms = order if many == 1 else (order[:, None] * many + torch.arange(many)).view(-1)
    weights, first = by.index_select(0, terms), starts * many
    values = _added(others, terms if share == 1 else terms // share, first, weights)
    whole = _added(by[:, None], terms, first)
    if pull is not None:
        values.addcmul_(mine.index_select(0, order.index_select(0, starts)), _added(pull[:, None], order, starts))
    return values, whole


def _added(rows: Tensor, places: Tensor, starts: Tensor, weights: Tensor | None = None) -> Tensor:
    """(m, D): the rows at ``places``, times ``weights``, added between each of ``starts`` (m,) and the next."""
    return torch.embedding_bag(rows, places, starts, False, 0, False, weights, False)[0]
