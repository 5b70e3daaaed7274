"""A layer's directions as torch differentiates them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from danlu.nn.recurrent import kernel
from danlu.nn.recurrent.kernel import Kept, Rows, Weights


class Layer(Function):
    """(x bfloat16 (T, B, F), rows, states, numbers of a direction's weights, weights …) → (y, last, cell).

    y (T, B, D·H): the states, or an empty tensor where ``states`` is False. last and cell (D, B, H): of each row after what it read
    last. All are bfloat16. A gradient can't be differentiated again, as torch's own of recurrent layers can't.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, rows: Rows, states: bool, each: int, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        directions = _directions(weights, each)
        hidden = directions[0].hh.shape[1]
        y = x.new_empty(*x.shape[:2], len(directions) * hidden) if states else None
        found = [kernel.forth(x, w, rows, y, at) for at, w in enumerate(directions)]
        # Given to torch, so that it is given back with the rest of what is kept, as soon as nobody goes back again.
        ctx.save_for_backward(*weights, *(part for *_, kept in found for part in (kept.seen, kept.gates, kept.cells)))
        ctx.set_materialize_grads(False)
        ctx.places, ctx.each, ctx.shape = [(kept.job, kept.rows) for *_, kept in found], each, x.shape
        last, cell = torch.stack([one[0] for one in found]), torch.stack([one[1] for one in found])
        return x.new_empty(0) if y is None else y, last, cell

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gy: Tensor | None, g_last: Tensor | None, g_cell: Tensor | None) -> tuple[Any, ...]:
        gx = torch.empty(ctx.shape, dtype=torch.bfloat16, device="cpu") if ctx.needs_input_grad[0] else None
        gy, g_last, g_cell = (None if g is None else g.contiguous() for g in (gy, g_last, g_cell))
        gy = None if gy is None or not gy.numel() else gy
        found: list[Tensor | None] = []
        count = ctx.each * len(ctx.places)
        weights, kept = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        for at, w in enumerate(_directions(weights, ctx.each)):
            slopes = gy, *(None if g is None else g[at] for g in (g_last, g_cell))
            found += kernel.back(Kept(*ctx.places[at], *kept[3 * at : 3 * at + 3]), w, slopes, gx, add=at > 0)
        return gx, None, None, None, *found


def _directions(weights: tuple[Tensor, ...], each: int) -> list[Weights]:
    return [Weights(*weights[place : place + each]) for place in range(0, len(weights), each)]
